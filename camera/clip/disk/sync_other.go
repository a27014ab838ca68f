//go:build !linux

package disk

import "errors"

// syncFolder is not possible here: files are synced one by one.
func syncFolder(string) error { return errors.ErrUnsupported }
