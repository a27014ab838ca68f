// Package operator is the console of the operator's staff, below /operator/: the live board (O1), alarms (O2), one
// delivery's whole story (O3), devices (O4), couriers (O5), the numbers of a day (O6), bookings by hand and by file, and
// the staff's own accounts.
//
// # Authority
//
// Every page reads and changes through the API's operations, in the name of whoever is signed in (auth.Staff.Client),
// and so can do nothing that the role can't. What a role does not reach is not offered; who asks all the same is told
// whom to ask. Two things have no operation, because no API key may do them: a pairing code for a courier's phone, and
// staff accounts. Both are auth's, and ask for a role.
//
// # Personal data
//
// An address, a position or a courier's name is shown for a visit under way alone, or in a delivery's story, to the
// roles that work with them; each such look is recorded before it is shown, and the household sees it.
//
// # Live
//
// Pages live by an event stream. A visit's and a story's are woken whenever the journal of their own site grows, the
// others by every site's, four times a second at most: what a page asks counts against the person's limit. Rows that
// come, go or change their order while somebody has the pointer or the focus in a table wait behind a chip that says how
// many there are.
package operator
