// Package fakecloud has the parts of which fakes of makers' clouds are built: who consented to what (OAuth), how many
// requests came from whom (Meter), what goes wrong on the wire (Wire), and a car on the other side (Car).
//
// It is for tests and for the demo. It knows no maker: the shapes, the words and the limits of one are in its own fake
// (smartcartest, volvotest). Everything here is safe for concurrent use, keeps no goroutine, and is small enough that
// one process can hold ten thousand cars.
package fakecloud
