// Package store holds all SQL of the product, in one text for SQLite and
// PostgreSQL. Writes are idempotent, sorted and in bulk: one statement takes any
// number of rows as a JSON parameter. Times are integer milliseconds, digests
// are bytes, booleans are 0 and 1.
//
// An SQLite database is one file that several processes may use side by side:
// one writer at a time, readers never wait. It refuses a database whose schema
// is newer than the program.
package store
