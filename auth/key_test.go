package auth_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

func aKey() auth.KeyRequest {
	return auth.KeyRequest{
		Role: auth.Merchant, Identity: "shop", Label: "checkout",
		Scopes: []auth.Scope{auth.DeliveriesWrite, auth.DeliveriesRead},
	}
}

func TestAKeyIsWhoItWasMadeFor(t *testing.T) {
	b := newBench(t)
	keys := auth.NewKeys(b.deps)
	made, text, err := keys.Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^lq_[a-z2-7]{16}_[a-z2-7]{52}$`).MatchString(text) {
		t.Errorf("the key reads %q", text)
	}
	c, err := keys.Check(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Role() != auth.Merchant || c.Identity() != "shop" || c.Key() != made.ID {
		t.Errorf("it is %+v", c)
	}
	if c.Actor() != (event.Actor{Kind: event.ActorMerchant, ID: "shop"}) {
		t.Errorf("it acts as %+v", c.Actor())
	}
	if err := c.Require(auth.DeliveriesWrite); err != nil {
		t.Error(err)
	}
	for _, s := range auth.Scopes() {
		if s != auth.DeliveriesWrite && s != auth.DeliveriesRead {
			want(t, string(s), c.Require(s), auth.ErrScope)
		}
	}
	want(t, "nobody", auth.Client{}.Require(auth.SitesRead), auth.ErrScope)
}

func TestAKeysSecretIsNotStored(t *testing.T) {
	b := newBench(t)
	_, text, err := auth.NewKeys(b.deps).Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	if secret := strings.Split(text, "_")[2]; strings.Contains(b.stored(), secret) {
		t.Error("the register holds the secret")
	}
}

func TestRolesAreTheJournalsWords(t *testing.T) {
	if event.ActorKind(auth.Merchant) != event.ActorMerchant || event.ActorKind(auth.Operator) != event.ActorOperator {
		t.Error("a role and its actor have different words")
	}
}

func TestOnlyTheWholeKeyIsAccepted(t *testing.T) {
	b := newBench(t)
	keys := auth.NewKeys(b.deps)
	_, text, err := keys.Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := keys.Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	parts, others := strings.Split(text, "_"), strings.Split(second, "_")
	for name, wrong := range map[string]string{
		"nothing":                "",
		"only the prefix":        "lq_",
		"no secret":              "lq_" + parts[1] + "_",
		"another key's secret":   "lq_" + parts[1] + "_" + others[2],
		"another prefix":         "ls_" + parts[1] + "_" + parts[2],
		"upper case":             strings.ToUpper(text),
		"a space after":          text + " ",
		"a part more":            text + "_x",
		"without its first part": parts[1] + "_" + parts[2],
		"a megabyte":             strings.Repeat(text, 1<<13),
	} {
		_, err := keys.Check(t.Context(), wrong)
		want(t, name, err, auth.ErrUnknownKey)
	}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(text)-1).Draw(rt, "place")
		b := rapid.Byte().Draw(rt, "character")
		if b == text[i] {
			return
		}
		if _, err := keys.Check(t.Context(), text[:i]+string([]byte{b})+text[i+1:]); !errors.Is(err, auth.ErrUnknownKey) {
			rt.Fatalf("with %q at %d: %v", b, i, err)
		}
	})
}

func TestARevokedKeyIsRefusedAndStillListed(t *testing.T) {
	b := newBench(t)
	keys := auth.NewKeys(b.deps)
	made, text, err := keys.Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := keys.Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := keys.Revoke(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
	}
	_, err = keys.Check(t.Context(), text)
	want(t, "the revoked key", err, auth.ErrUnknownKey)
	if _, err := keys.Check(t.Context(), other); err != nil {
		t.Errorf("the other key: %v", err)
	}
	want(t, "an unknown key", keys.Revoke(t.Context(), "nosuchkey"), auth.ErrUnknownKey)
	list, err := keys.List(t.Context(), "", 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("listed %v, %v", list, err)
	}
	for _, k := range list {
		if (k.ID == made.ID) != (k.RevokedAt == event.InstantOf(b.clock.now())) {
			t.Errorf("%s was revoked at %s", k.ID, k.RevokedAt)
		}
		if k.Label != "checkout" || k.Identity != "shop" || k.CreatedAt != event.InstantOf(b.clock.now()) {
			t.Errorf("listed as %+v", k)
		}
	}
	if rest, err := keys.List(t.Context(), list[0].ID, 10); err != nil || len(rest) != 1 || rest[0].ID != list[1].ID {
		t.Errorf("the second page is %v, %v", rest, err)
	}
}

func TestRevokingGoesOnAfterAConflict(t *testing.T) {
	b := newBench(t)
	made, text, err := auth.NewKeys(b.deps).Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	b.deps.Register = &faulty{Register: b.reg, before: map[string]error{"Put auth.key": store.ErrConflict}}
	keys := auth.NewKeys(b.deps)
	if err := keys.Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = keys.Check(t.Context(), text)
	want(t, "the revoked key", err, auth.ErrUnknownKey)
}

// A store that fails is not the same as a key that is unknown.
func TestAFailingStoreIsNotAnUnknownKey(t *testing.T) {
	b := newBench(t)
	_, text, err := auth.NewKeys(b.deps).Create(t.Context(), aKey())
	if err != nil {
		t.Fatal(err)
	}
	b.deps.Register = &faulty{Register: b.reg, before: map[string]error{"Get auth.key": store.ErrClosed, "Put auth.key": store.ErrFull}}
	keys := auth.NewKeys(b.deps)
	_, err = keys.Check(t.Context(), text)
	want(t, "checking", err, store.ErrClosed)
	if errors.Is(err, auth.ErrUnknownKey) {
		t.Error("it reads as an unknown key")
	}
	_, text, err = keys.Create(t.Context(), aKey())
	want(t, "making one", err, store.ErrFull)
	if text != "" {
		t.Error("it returned a key that was not stored")
	}
}

func TestKeysAreMadeOnlyForWhatExists(t *testing.T) {
	keys := auth.NewKeys(newBench(t).deps)
	for name, change := range map[string]func(*auth.KeyRequest){
		"no role":           func(r *auth.KeyRequest) { r.Role = "" },
		"a member":          func(r *auth.KeyRequest) { r.Role = "member" },
		"a courier":         func(r *auth.KeyRequest) { r.Role = "courier" },
		"nobody":            func(r *auth.KeyRequest) { r.Identity = "" },
		"no scope":          func(r *auth.KeyRequest) { r.Scopes = nil },
		"an unknown scope":  func(r *auth.KeyRequest) { r.Scopes = []auth.Scope{"consent:write"} },
		"a label too long":  func(r *auth.KeyRequest) { r.Label = strings.Repeat("é", 101) },
		"an identity a lot": func(r *auth.KeyRequest) { r.Identity = strings.Repeat("a", 101) },
	} {
		r := aKey()
		change(&r)
		_, _, err := keys.Create(t.Context(), r)
		want(t, name, err, auth.ErrRequest)
	}
	r := aKey()
	r.Label = strings.Repeat("é", 100)
	if _, _, err := keys.Create(t.Context(), r); err != nil {
		t.Errorf("a label of 100 letters: %v", err)
	}
}

// The law that an API key never consents, binds or scans rests on the types: no principal's field can be set from
// outside, and nothing in the package turns a Client into another principal.
func TestNothingTakesAClientAndGivesAnotherPrincipal(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	principals := map[string]int{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok && principal(n.Name.Name) {
					principals[n.Name.Name] = len(s.Fields.List)
					assertHidden(t, n.Name.Name, s)
				}
			case *ast.FuncDecl:
				assertNoWay(t, n)
			}
			return true
		})
	}
	if len(principals) != 3 {
		t.Errorf("the principals are %v", principals)
	}
}

func principal(name string) bool { return name == "Client" || name == "Courier" || name == "Member" }

func assertHidden(t *testing.T, name string, s *ast.StructType) {
	t.Helper()
	for _, field := range s.Fields.List {
		for _, n := range field.Names {
			if n.IsExported() {
				t.Errorf("%s.%s can be set from outside", name, n.Name)
			}
		}
	}
}

func assertNoWay(t *testing.T, f *ast.FuncDecl) {
	t.Helper()
	mentions := func(list *ast.FieldList, wanted ...string) bool {
		found := false
		if list == nil {
			return false
		}
		ast.Inspect(list, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			for _, w := range wanted {
				found = found || ok && id.Name == w
			}
			return true
		})
		return found
	}
	takes := mentions(f.Type.Params, "Client") || mentions(f.Recv, "Client")
	if takes && mentions(f.Type.Results, "Courier", "Member", "Pairing", "Link", "SignedIn", "Bound") {
		t.Errorf("%s leads from an API key to another principal", f.Name.Name)
	}
}

func FuzzKeysCheck(f *testing.F) {
	f.Add("lq_aaaaaaaaaaaaaaaa_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	f.Add("lq__")
	f.Add("___")
	f.Add("lq_../../x_y")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := auth.NewKeys(newBench(t).deps).Check(t.Context(), text)
		if !errors.Is(err, auth.ErrUnknownKey) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
