// Package access tests how seaworthy logs in to real registries.
package access
