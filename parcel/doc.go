// Package parcel knows what scanners read and what labels print.
//
// Parse turns whatever a scanner, a phone's camera or a hand gives into a Code:
// one comparable value per parcel, however it was written down.
//
//	GS1-128      ]C1 00340123450000000017 ──┐
//	Data Matrix  ]d2 00340123450000000017 ──┤
//	Digital Link https://…/00/3401234500…  ─┼─▶ sscc:340123450000000017
//	by hand      (00) 3 4012345 000000001 7 ┘
//	UPU S10      rr 473 124 829 fr ───────────▶ s10:RR473124829FR
//	carrier      1Z 999-AA1 01 2345 6784 ─────▶ carrier:1Z999AA10123456784
//
// # What names a parcel
//
// Of several element strings in one symbol the first of these that is present
// is the identity: SSCC (00); GTIN with serial number (01 + 21); GSIN (402);
// GINC (401); a company's internal number (91-99), which is how some carriers
// wrap their own tracking number in GS1-128. A GTIN alone names a product, and
// is refused with that explanation. A GSIN or GINC names a whole shipment or
// consignment: the caller decides whether that is good enough.
//
// Plain text means the same whether it was scanned or typed. It is S10 when it
// has that shape, an SSCC when it is 18 digits whose check digit fits or 20
// digits that start with 00, and otherwise the carrier's opaque number. An
// element string other than a lone SSCC is recognised by its symbology
// identifier or by a group separator: a scanner must transmit one of the two.
//
// # When it fails
//
// Every failure is an *Error: a Problem to translate and count, and the words
// to show. It quotes at most single characters of the input. Input longer than
// MaxInput bytes is refused unread, so time and memory are bounded.
//
// # Labels
//
// Label prints a 100 × 150 mm label as PNG (1 bit, 203 dpi, for thermal
// printers) or PDF (vector bars). It carries the code twice, as Code 128
// (GS1-128 for GS1 keys) where it fits at a printable size and as QR, so that
// a torn label still scans. It prints no date and no personal data of its own:
// the same label gives the same bytes.
//
// Everything here is pure and safe for concurrent use.
//
// # Sources
//
//   - GS1 General Specifications: section 3 (application identifiers), 7.8
//     (FNC1, element strings of predefined length), 7.9.1 (check digit), 7.11
//     (character set 82), 5.4 (GS1-128), 6.6 (logistic labels).
//   - GS1 Digital Link Standard: URI Syntax, uncompressed form.
//   - UPU standard S10, Identification of postal items: 13-character identifier.
//   - ISO/IEC 15424, symbology identifiers; ISO/IEC 15417, Code 128;
//     ISO/IEC 18004, QR Code.
package parcel
