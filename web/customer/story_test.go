package customer_test

import (
	"reflect"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/customer"
)

// Every kind of event that names a delivery or a visit is one of a story: what is new in a journal is not left out of what
// a household reads.
func TestEveryEventOfADeliveryIsTold(t *testing.T) {
	names := map[reflect.Type]bool{reflect.TypeFor[event.DeliveryID](): true, reflect.TypeFor[event.VisitID](): true}
	for _, kind := range event.Kinds() {
		body := reflect.New(reflect.TypeOf(event.Zero(kind))).Elem()
		for i := range body.NumField() {
			if field := body.Field(i); names[field.Type()] {
				field.SetString("maple-x1")
			}
		}
		filled := body.Interface().(event.Body)
		if len(event.Names(filled)) > 0 && !customer.Mentions(filled) {
			t.Errorf("%s names a delivery or a visit, and is in no story", kind)
		}
	}
}
