module github.com/loquet/loquet

go 1.26.8

require (
	codeberg.org/go-pdf/fpdf v0.12.0 // indirect
	github.com/boombuler/barcode v1.1.0 // indirect
	golang.org/x/image v0.40.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
