package ui

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// id is what a button means, if it does not say: where it leads, or what it sends.
func (a Act) id() string { return cmp.Or(a.ID, a.Href, a.Name+"="+a.Value) }

func (a Act) attributes() templ.OrderedAttributes {
	return set("form", a.Form, "name", a.Name, "value", a.Value)
}

// leaving is what a link says of itself that leaves for another host.
func (a Act) leaving() templ.OrderedAttributes {
	if a.Out {
		return set("rel", "external noreferrer")
	}
	return nil
}

// set is the attributes that have a value, of pairs of names and values.
func set(pairs ...string) templ.OrderedAttributes {
	var list templ.OrderedAttributes
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, templ.KeyValue[string, any]{Key: pairs[i], Value: pairs[i+1]})
		}
	}
	return list
}

func (f Input) attributes() templ.OrderedAttributes {
	list := set("id", f.Name, "name", f.Name, "autocomplete", f.Auto, "inputmode", f.Mode, "min", f.Min, "max", f.Max, "step", f.Step,
		"maxlength", positive(f.Most))
	if f.Rows > 0 {
		list = append(list, set("rows", positive(f.Rows))...)
	} else {
		list = append(list, set("type", cmp.Or(f.Type, "text"), "value", f.Value)...)
	}
	if !f.Optional {
		list = append(list, set("aria-required", "true")...)
	}
	return append(list, describedBy(f.Name, f.Hint, f.Error)...)
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// describedBy ties a field to its hint and to what is wrong with it.
func describedBy(name, hint, wrong string) templ.OrderedAttributes {
	var by []string
	if hint != "" {
		by = append(by, name+"-hint")
	}
	if wrong != "" {
		by = append(by, name+"-error")
	}
	list := set("aria-describedby", strings.Join(by, " "))
	if wrong != "" {
		list = append(list, set("aria-invalid", "true")...)
	}
	return list
}

// address is where a link or a form may lead: a page, or a phone's own telephone, messages and map; never a script.
func address(to string) templ.SafeURL {
	for _, phone := range []string{"geo:", "maps:", "sms:"} {
		if strings.HasPrefix(to, phone) {
			return templ.SafeURL(to)
		}
	}
	return templ.URL(to)
}
