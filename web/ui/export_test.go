package ui

// Own are the shared words, for their check.
var Own = own

// Packed is a file as it is sent to whoever takes gzip; nil for one that is not worth it.
func Packed(name string, data []byte) []byte { return newAsset(name, data).gzipped() }
