// Package emulator has the stand-ins for the clouds that hold registries, each
// in a package of its own over package front. They verify what the clouds
// verify, and hand what is allowed to a real registry, which package backend
// reads. The vendor's own client drives each in its tests, so that our client
// and the emulator cannot be wrong together.
package emulator
