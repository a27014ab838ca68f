// Package photo takes a still picture from a phone and leaves nothing in it but the picture: where and when it was
// taken, with what, and by whom, does not come along.
//
// It reads JPEG (ITU-T T.81) and WebP (RFC 9649). What it returns is built anew from the parts that make up the
// picture; every other part, and whatever follows the picture, is left out. The picture itself is not decoded but for
// its header, so that a small file that would unfold into a large one costs nothing.
package photo

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/webp"
)

// What a photo may be at most.
const (
	// MostBytes is the size of the file.
	MostBytes = 200 << 10
	// MostSide is the width, or the height, in pixels.
	MostSide = 4096
)

// Types of photos, as media types.
const (
	JPEG = "image/jpeg"
	WebP = "image/webp"
)

// Photo is a picture that has been read.
type Photo struct {
	// Type is JPEG or WebP.
	Type          string
	Width, Height int
	// Data is the file, without anything but the picture.
	Data []byte
}

// Problem says in a short word why a file is not taken.
type Problem string

// Problems of files.
const (
	TooLarge   Problem = "too-large"
	NoPicture  Problem = "no-picture"
	WrongSize  Problem = "wrong-size"
	Animated   Problem = "animated"
	Unfinished Problem = "unfinished"
)

// Error is why a file is not taken. It never quotes the file.
type Error struct {
	Problem Problem
	cause   error
}

func (e *Error) Error() string { return fmt.Sprintf("photo: not taken: %s", e.Problem) }

func (e *Error) Unwrap() error { return e.cause }

// Read takes a photo. Errors are of type *Error.
func Read(file []byte) (Photo, error) {
	switch {
	case len(file) > MostBytes:
		return Photo{}, &Error{Problem: TooLarge}
	case bytes.HasPrefix(file, []byte{0xFF, soi}):
		return read(file, JPEG, bareJPEG, func(data []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(data)) })
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		return read(file, WebP, bareWebP, func(data []byte) (image.Config, error) { return webp.DecodeConfig(bytes.NewReader(data)) })
	default:
		return Photo{}, &Error{Problem: NoPicture}
	}
}

func read(file []byte, of string, bare func([]byte) ([]byte, error), header func([]byte) (image.Config, error)) (Photo, error) {
	data, err := bare(file)
	if err != nil {
		return Photo{}, err
	}
	config, err := header(data)
	switch {
	case err != nil:
		return Photo{}, &Error{Problem: NoPicture, cause: err}
	case config.Width <= 0 || config.Height <= 0 || config.Width > MostSide || config.Height > MostSide:
		return Photo{}, &Error{Problem: WrongSize}
	}
	return Photo{Type: of, Width: config.Width, Height: config.Height, Data: data}, nil
}
