package ui

// Own are the shared words, for their check.
var Own = own
