package operator_test

import (
	"testing"

	"github.com/loquet/loquet/auth"
)

func TestAQuietBoard(t *testing.T) {
	o := open(t)
	ana := o.staff("Ana", auth.Viewer)
	ana.shows("/operator/", "No alarm.", "No visit now.")
}
