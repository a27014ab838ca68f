package ui

import _ "embed"

//go:embed en.json
var ownEnglish []byte

//go:embed fr.json
var ownFrench []byte

// own are the words of what all pages share.
var own = MustWords(ownEnglish, ownFrench)
