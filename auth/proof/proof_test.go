package proof_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
)

// The tests sign by hand, with nothing of the code under test, so that they can make every kind of wrong proof.
type object map[string]any

func part(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func signES256(t testing.TB, key *ecdsa.PrivateKey, header, claims any) string {
	t.Helper()
	text := part(t, header) + "." + part(t, claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(join(r, s))
}

func join(r, s *big.Int) []byte {
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig
}

func newKey(t testing.TB) (key *ecdsa.PrivateKey, jwk string, id event.KeyID) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk, id, err = proof.KeyFrom(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, jwk, id
}

func header(id event.KeyID) object {
	return object{"typ": "loquet-proof+jwt", "alg": "ES256", "kid": id}
}

func claims() object {
	return object{
		"jti": "abcdefghijklmnop", "htm": "POST", "htu": "https://loquet.example/v1/visits/a-v1/scans",
		"iat": 1_800_000_000, "bod": proof.Digest([]byte(`{"code":"X"}`)),
	}
}

// with returns a copy with one member changed, or removed when the value is nil.
func (o object) with(name string, value any) object {
	c := object{}
	for k, v := range o {
		c[k] = v
	}
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

func TestVerifyReadsWhatWasSigned(t *testing.T) {
	key, jwk, id := newKey(t)
	token := signES256(t, key, header(id), claims())
	c, err := proof.Verify(jwk, token)
	if err != nil {
		t.Fatal(err)
	}
	want := proof.Claims{
		ID: "abcdefghijklmnop", Method: "POST", URL: "https://loquet.example/v1/visits/a-v1/scans",
		IssuedAt: 1_800_000_000, Body: proof.Digest([]byte(`{"code":"X"}`)),
	}
	if c != want || c.Issued() != 1_800_000_000_000 {
		t.Errorf("got %+v", c)
	}
	if got, err := proof.KeyOf(token); err != nil || got != id {
		t.Errorf("KeyOf: %v, %v", got, err)
	}
}

func TestVerifyRefusesOtherAlgorithms(t *testing.T) {
	key, jwk, id := newKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	body := part(t, claims())
	hs := part(t, header(id).with("alg", "HS256")) + "." + body
	mac := hmac.New(sha256.New, []byte(jwk)) // the classical confusion: the public key as a shared secret
	mac.Write([]byte(hs))
	rs := part(t, header(id).with("alg", "RS256")) + "." + body
	sum := sha256.Sum256([]byte(rs))
	rsSig, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"none":                     part(t, header(id).with("alg", "none")) + "." + body + ".",
		"none with a signature":    part(t, header(id).with("alg", "none")) + "." + body + ".AAAA",
		"HS256":                    hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"RS256":                    rs + "." + base64.RawURLEncoding.EncodeToString(rsSig),
		"ES384 over an ES256 key":  signES256(t, key, header(id).with("alg", "ES384"), claims()),
		"no algorithm":             signES256(t, key, header(id).with("alg", nil), claims()),
		"algorithm in lower case":  signES256(t, key, header(id).with("alg", "es256"), claims()),
		"algorithm as a number":    signES256(t, key, header(id).with("alg", 256), claims()),
		"no signature":             part(t, header(id)) + "." + body + ".",
		"signature missing wholly": part(t, header(id)) + "." + body,
	} {
		if _, err := proof.Verify(jwk, token); !errors.Is(err, proof.ErrMalformed) && !errors.Is(err, proof.ErrWrongKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyRefusesOtherHeaders(t *testing.T) {
	key, jwk, id := newKey(t)
	other, otherJWK, otherID := newKey(t)
	var otherKey object
	if err := json.Unmarshal([]byte(otherJWK), &otherKey); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]object{
		"no type":                   header(id).with("typ", nil),
		"DPoP's type":               header(id).with("typ", "dpop+jwt"),
		"no key":                    header(id).with("kid", nil),
		"a key of its own":          header(id).with("jwk", otherKey),
		"only a key of its own":     header(id).with("kid", nil).with("jwk", otherKey),
		"an unknown field":          header(id).with("jku", "https://evil.example/keys"),
		"a critical field":          header(id).with("crit", []string{"exp"}).with("exp", 1),
		"an unencoded body":         header(id).with("crit", []string{"b64"}).with("b64", false),
		"a nonce":                   header(id).with("nonce", "x"),
		"a long key identifier":     header(event.KeyID(strings.Repeat("A", 200))),
		"a strange key identifier":  header("../" + id[3:]),
		"another device's key name": header(otherID),
	} {
		if _, err := proof.Verify(jwk, signES256(t, key, h, claims())); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := proof.Verify(jwk, signES256(t, other, header(id), claims())); !errors.Is(err, proof.ErrWrongKey) {
		t.Errorf("signed by another key under our name: %v", err)
	}
	if _, err := proof.Verify(jwk, signES256(t, other, header(otherID), claims())); !errors.Is(err, proof.ErrWrongKey) {
		t.Errorf("another key's own proof: %v", err)
	}
}

func TestVerifyRefusesOtherClaims(t *testing.T) {
	key, jwk, id := newKey(t)
	for name, c := range map[string]object{
		"no identifier":              claims().with("jti", nil),
		"a short identifier":         claims().with("jti", "abcdefghijklmno"),
		"a long identifier":          claims().with("jti", strings.Repeat("a", 65)),
		"an identifier with a space": claims().with("jti", "abcdefgh ijklmnop"),
		"no method":                  claims().with("htm", nil),
		"a method in lower case":     claims().with("htm", "post"),
		"no address":                 claims().with("htu", nil),
		"an address with a query":    claims().with("htu", "https://loquet.example/v1?plate=AB123CD"),
		"an address with a fragment": claims().with("htu", "https://loquet.example/v1#a"),
		"an address without a host":  claims().with("htu", "/v1/visits"),
		"an address of another kind": claims().with("htu", "file:///etc/passwd"),
		"an address not normalised":  claims().with("htu", "https://LOQUET.example:443/v1"),
		"no time":                    claims().with("iat", nil),
		"a time of zero":             claims().with("iat", 0),
		"a time before 1970":         claims().with("iat", -5),
		"a time that overflows":      claims().with("iat", int64(1)<<62),
		"a time with a fraction":     claims().with("iat", 1_800_000_000.5),
		"a time as a word":           claims().with("iat", "now"),
		"no digest":                  claims().with("bod", nil),
		"a short digest":             claims().with("bod", "AAAA"),
		"a digest of other letters":  claims().with("bod", strings.Repeat("+", 43)),
		"an unknown claim":           claims().with("sub", "courier-1"),
	} {
		if _, err := proof.Verify(jwk, signES256(t, key, header(id), c)); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	twice := base64.RawURLEncoding.EncodeToString([]byte(`{} {}`))
	text := part(t, header(id)) + "." + twice
	sum := sha256.Sum256([]byte(text))
	r, s, _ := ecdsa.Sign(rand.Reader, key, sum[:])
	if _, err := proof.Verify(jwk, text+"."+base64.RawURLEncoding.EncodeToString(join(r, s))); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("two values: %v", err)
	}
}

// Whatever single character of a good proof is changed, it is refused: nothing in it is unsigned.
func TestVerifyRefusesEveryChange(t *testing.T) {
	key, jwk, id := newKey(t)
	token := signES256(t, key, header(id), claims())
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(token)-1).Draw(rt, "place")
		b := rapid.Byte().Draw(rt, "character")
		changed := token[:i] + string([]byte{b}) + token[i+1:]
		if changed == token || sameBytes(changed, token) {
			return
		}
		if _, err := proof.Verify(jwk, changed); err == nil {
			rt.Fatalf("accepted with %q at %d", b, i)
		}
	})
}

// sameBytes says whether two tokens decode to the same three parts: the last character of a part may hold bits
// that base64 does not use.
func sameBytes(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	if len(x) != 3 || len(y) != 3 || x[0] != y[0] || x[1] != y[1] {
		return false
	}
	p, err1 := base64.RawURLEncoding.DecodeString(x[2])
	q, err2 := base64.RawURLEncoding.DecodeString(y[2])
	return err1 == nil && err2 == nil && string(p) == string(q)
}

func TestVerifyRefusesHugeTokens(t *testing.T) {
	key, jwk, id := newKey(t)
	big := claims().with("htu", "https://loquet.example/"+strings.Repeat("a", proof.MaxLength))
	for name, token := range map[string]string{
		"a long address":       signES256(t, key, header(id), big),
		"a megabyte":           strings.Repeat("A", 1<<20),
		"a megabyte of dots":   strings.Repeat(".", 1<<20),
		"nothing":              "",
		"two dots":             "..",
		"JSON serialization":   `{"payload":"","signatures":[]}`,
		"a proof and a space":  signES256(t, key, header(id), claims()) + " ",
		"a proof and a letter": signES256(t, key, header(id), claims()) + "A",
	} {
		if _, err := proof.Verify(jwk, token); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestVerifySignedComparesWhatWasKept(t *testing.T) {
	key, jwk, id := newKey(t)
	_, otherJWK, otherID := newKey(t)
	good := event.Signed{Key: id, ID: "abcdefghijklmnop", IssuedAt: 1_800_000_000_000, JWS: signES256(t, key, header(id), claims())}
	if c, err := proof.VerifySigned(jwk, good); err != nil || c.Method != "POST" {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := proof.VerifySigned(otherJWK, good); !errors.Is(err, proof.ErrWrongKey) {
		t.Errorf("against another key: %v", err)
	}
	if _, err := proof.VerifySigned("{}", good); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("against no key: %v", err)
	}
	for name, change := range map[string]func(*event.Signed){
		"key":        func(s *event.Signed) { s.Key = otherID },
		"identifier": func(s *event.Signed) { s.ID = "ponmlkjihgfedcba" },
		"time":       func(s *event.Signed) { s.IssuedAt++ },
	} {
		s := good
		change(&s)
		if _, err := proof.VerifySigned(jwk, s); !errors.Is(err, proof.ErrMismatch) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	empty := good
	empty.JWS = ""
	if _, err := proof.VerifySigned(jwk, empty); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("no proof: %v", err)
	}
}

func TestKeyIsItsRFC7638Form(t *testing.T) {
	key, jwk, id := newKey(t)
	public := jose.JSONWebKey{Key: &key.PublicKey}
	sum, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if want := base64.RawURLEncoding.EncodeToString(sum); string(id) != want {
		t.Errorf("thumbprint %s, want %s", id, want)
	}
	var members object
	if err := json.Unmarshal([]byte(jwk), &members); err != nil {
		t.Fatal(err)
	}
	// As WebCrypto exports it, in another order and with more members.
	browser, _ := json.Marshal(members.with("ext", true).with("key_ops", []string{"verify"}))
	if again, same, err := proof.Key(string(browser)); err != nil || again != jwk || same != id {
		t.Errorf("a browser's form: %s, %s, %v", again, same, err)
	}
}

func TestKeyRefusesWhatIsNotAPublicP256Key(t *testing.T) {
	key, jwk, _ := newKey(t)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	marshal := func(k any) string {
		b, err := json.Marshal(jose.JSONWebKey{Key: k})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var members object
	_ = json.Unmarshal([]byte(jwk), &members)
	off, _ := json.Marshal(members.with("x", base64.RawURLEncoding.EncodeToString(make([]byte, 32))))
	for name, text := range map[string]string{
		"nothing":          "",
		"null":             "null",
		"private":          marshal(key),
		"P-384":            marshal(&p384.PublicKey),
		"RSA":              marshal(&rsaKey.PublicKey),
		"symmetric":        marshal([]byte("secret")),
		"off the curve":    string(off),
		"padded with junk": jwk + strings.Repeat(" ", 2000),
	} {
		if _, _, err := proof.Key(text); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := proof.KeyFrom(nil); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("no key: %v", err)
	}
	if _, _, err := proof.KeyFrom(&p384.PublicKey); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("P-384 in memory: %v", err)
	}
}

func TestNormalise(t *testing.T) {
	for raw, want := range map[string]string{
		"https://Loquet.Example":              "https://loquet.example/",
		"HTTPS://loquet.example:443/v1?a=b#c": "https://loquet.example/v1",
		"http://loquet.example:80/v1":         "http://loquet.example/v1",
		"http://loquet.example:443/v1":        "http://loquet.example:443/v1",
		"http://127.0.0.1:8080/v1/":           "http://127.0.0.1:8080/v1/",
		"http://[::1]/v1":                     "http://[::1]/v1",
		"http://[::1]:8080/v1":                "http://[::1]:8080/v1",
		"https://a.example/x%2fy":             "https://a.example/x%2Fy",
		"https://a.example/%7ea":              "https://a.example/%7Ea",
		"https://a.example/../b":              "https://a.example/../b",
	} {
		if got, err := proof.Normalise(raw); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "/v1", "loquet.example/v1", "ftp://a.example/", "https:///v1", "https:v1",
		"https://me:secret@a.example/", "https://a.example:port/", "https://a.example/%zz", "https://[fe80::1%25eth0]/", "http://a b/"} {
		if got, err := proof.Normalise(raw); err == nil {
			t.Errorf("%q became %q", raw, got)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add("https://Loquet.Example:443/a%2fb?c#d")
	f.Add("http://[::1]:80")
	f.Fuzz(func(t *testing.T, raw string) {
		once, err := proof.Normalise(raw)
		if err != nil {
			return
		}
		if twice, err := proof.Normalise(once); err != nil || twice != once {
			t.Fatalf("%q became %q, then %q (%v)", raw, once, twice, err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	key, jwk, id := newKey(f)
	good := signES256(f, key, header(id), claims())
	f.Add(good)
	f.Add("..")
	f.Add(part(f, header(id)) + "." + part(f, claims()) + ".")
	f.Add(part(f, header(id).with("alg", "none")) + "." + part(f, claims()) + ".")
	f.Add(strings.Repeat("A", proof.MaxLength+1))
	f.Fuzz(func(t *testing.T, token string) {
		_, err := proof.Verify(jwk, token)
		if err == nil && !sameBytes(token, good) {
			t.Fatalf("accepted %q", token)
		}
		if err != nil && !errors.Is(err, proof.ErrMalformed) && !errors.Is(err, proof.ErrWrongKey) {
			t.Fatalf("unclassified: %v", err)
		}
		if _, err := proof.KeyOf(token); err != nil && !errors.Is(err, proof.ErrMalformed) {
			t.Fatalf("unclassified: %v", err)
		}
	})
}

func FuzzKey(f *testing.F) {
	_, jwk, _ := newKey(f)
	f.Add(jwk)
	f.Add(`{"kty":"EC","crv":"P-256","x":"","y":""}`)
	f.Add(`{"kty":"oct","k":"AAAA"}`)
	f.Fuzz(func(t *testing.T, text string) {
		canonical, id, err := proof.Key(text)
		if err != nil {
			return
		}
		if again, same, err := proof.Key(canonical); err != nil || again != canonical || same != id {
			t.Fatalf("%q became %q, then %q (%v)", text, canonical, again, err)
		}
	})
}
