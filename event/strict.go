package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Strict decodes one JSON value into what into points to. A field that this does not know, and anything after the
// value, are errors: what is kept or believed is read whole or not at all.
func Strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands after its end")
	}
	return nil
}
