package api

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loquet/loquet/auth"
)

// Security schemes of the description.
const (
	schemeKey     = "apiKey"
	schemeCookie  = "sessionCookie"
	schemeSession = "session"
	schemeProof   = "deviceProof"
)

// newHuma makes the framework on a plain ServeMux: JSON only, nothing served that we did not register.
func newHuma(mux *http.ServeMux, version string, reword huma.Transformer) huma.API {
	if version == "" {
		version = "devel"
	}
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	return humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Loquet", Version: version, Description: description,
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Servers: []*huma.Server{{URL: "/"}},
			Tags:    tags,
			Components: &huma.Components{Schemas: registry, SecuritySchemes: map[string]*huma.SecurityScheme{
				schemeKey: {Type: "http", Scheme: "bearer", BearerFormat: "lq_…",
					Description: "An API key. It books and reads, and never consents, binds a courier's device or scans."},
				schemeCookie: {Type: "apiKey", In: "cookie", Name: auth.MemberCookie, Description: "A member's session, in a browser."},
				schemeSession: {Type: "apiKey", In: "header", Name: "Authorization",
					Description: "A member's session, elsewhere: `Authorization: Session <token>`."},
				schemeProof: {Type: "apiKey", In: "header", Name: proofHeader,
					Description: "A compact JWS by the courier's device key over method, address, time and body, new for each request."},
			}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{reword},
	})
}

const description = `Loquet opens one door, once, for one visit, and proves that it was closed again.

A request that a site understood is answered with 200, also when the answer is no: ` + "`refused`" + ` then says why, in the language
of Accept-Language, and what to do now. Every error is an application/problem+json with a stable ` + "`code`" + `; nothing was done
then, unless the code is ` + "`uncertain`" + `. A POST with an Idempotency-Key may be repeated for a day: it does its work once.`

var tags = []*huma.Tag{
	{Name: "Sites", Description: "Addresses. With an API key."},
	{Name: "Devices", Description: "Locks and doors, reserved for a site. With an API key."},
	{Name: "Couriers", Description: "Who delivers. With an API key."},
	{Name: "Deliveries", Description: "Parcels promised for a window. With an API key."},
	{Name: "Webhooks", Description: "Where events are told to. With an API key."},
	{Name: "Session", Description: "A member signs in and out."},
	{Name: "Home", Description: "What a member sees and decides at the own site."},
	{Name: "Camera", Description: "What films visits, what it shows now and what was kept. For members; live for an operator, where the household allows it."},
	{Name: "Board", Description: "What is under way, what comes next, and how a day went. With an operator's API key."},
	{Name: "Alarms", Description: "What is wrong in a visit, and who has it in hand. With an operator's API key."},
	{Name: "Courier", Description: "What a courier's bound device asks, each request signed."},
}

// schemaName keeps types of one name in two packages apart; ours have none.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	path := t.PkgPath()
	if path == "" || strings.HasSuffix(path, "/api") {
		return name
	}
	pkg := path[strings.LastIndex(path, "/")+1:]
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}
