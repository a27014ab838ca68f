// Package customer is the household's app, at /home/: whether anything is open and anything is coming (home), one
// delivery as it happens with its picture and the block (delivery), setting up doors and cameras (enrol, camera), the
// rehearsal, rules and consents, every opening ever, recordings, notifications, and the household with its data.
//
// Pages are rendered by the server and work as forms; a page's event stream keeps it true. Everything that is read or
// changed is asked of the API's operations in the member's name, so that a page can do nothing that the API can't. What
// a page says of a barrier follows from ui.StateOf alone.
//
// Another household's identifier, in whatever address, is answered like one that nobody ever had.
package customer
