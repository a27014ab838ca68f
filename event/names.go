package event

import "reflect"

// named are the identifiers by which a story is followed through a journal: what it is the story of, and what comes
// about in it.
var named = map[reflect.Type]bool{
	reflect.TypeFor[DeliveryID](): true,
	reflect.TypeFor[VisitID]():    true,
	reflect.TypeFor[PermitID]():   true,
	reflect.TypeFor[LeaseID]():    true,
	reflect.TypeFor[ClipID]():     true,
}

// Names lists the deliveries, visits, permits, leases and clips that a body names, each as often as it does.
func Names(b Body) []string {
	var names []string
	each(reflect.ValueOf(b), func(name string) { names = append(names, name) })
	return names
}

func each(v reflect.Value, visit func(string)) {
	switch v.Kind() {
	case reflect.String:
		if named[v.Type()] && v.Len() > 0 {
			visit(v.String())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			each(v.Field(i), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			each(v.Index(i), visit)
		}
	default: // holds no identifier
	}
}
