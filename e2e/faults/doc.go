// Package faults tests what becomes of seaworthy's data when it is interrupted,
// killed, run many times at once, or has no room or right to write.
package faults
