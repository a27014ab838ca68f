// Package makers are the clouds of cars' makers as package carlink knows them: what a consent covers there, and the devices
// of what was chosen.
package makers
