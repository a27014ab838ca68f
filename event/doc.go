// Package event holds what Loquet remembers: identifiers, instants, what devices said, what was sent to
// them, and the events of a site's journal.
//
// Everything here is plain data with one canonical encoding: JSON with a fixed order of fields, without maps
// and without floating point. There is no clock, no randomness and no I/O. Names, addresses, positions and
// pictures never stand in an event; a salted commitment, a distance or a code does (see Commitment).
//
// The journal of one site is the sequence of its events, numbered from 1 without a gap. Package site decides
// which events come next; package audit reads them again, independently.
package event
