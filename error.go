package seaworthy

import "errors"

// Code says what sort of error it is; programs branch on it, exit codes and
// HTTP statuses are derived from it, each in one table.
type Code string

// The codes of errors.
const (
	CodeInvalid      Code = "invalid"      // the request is wrong; the same again fails again
	CodeNotFound     Code = "not_found"    // no such host, repository, image or record
	CodeUnauthorized Code = "unauthorized" // credentials missing, wrong or not enough
	CodeTLS          Code = "tls"          // no trusted connection
	CodeUnreachable  Code = "unreachable"  // refused, timed out, reset, rate-limited, or a server's own failure
	CodeProtocol     Code = "protocol"     // the answer is not what the protocol says
	CodeCorrupt      Code = "corrupt"      // content that cannot be what its name or digest says
	CodeLimit        Code = "limit"        // a limit was reached; the error wraps a *LimitError
	CodeConflict     Code = "conflict"     // another writer was first
	CodeInternal     Code = "internal"     // our own fault
)

// Error is an error with words for a person. Public and Hint never hold
// secrets; Err is the cause, for logs and for errors.As.
type Error struct {
	Code   Code
	Public string // what failed, where and why, as a sentence without its full stop
	Hint   string // what to do, likewise; may be empty
	Err    error
}

// Error is Public, and Hint behind a semicolon.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Public
	}
	return e.Public + "; " + e.Hint
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code of the first *Error or *LimitError in err's chain;
// CodeInternal if there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	if _, ok := errors.AsType[*LimitError](err); ok {
		return CodeLimit
	}
	return CodeInternal
}
