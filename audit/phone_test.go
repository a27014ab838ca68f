package audit_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/loquet/loquet/event"
)

// phone is a courier's device. It signs as package auth/proof describes, with nothing but the standard library.
type phone struct {
	private *ecdsa.PrivateKey
	jwk     string
	key     event.KeyID
	// series and count name the requests.
	series string
	count  int
}

var (
	courierPhone = newPhone()
	otherPhone   = newPhone()
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newPhone() *phone {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	jwk := fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, b64(point[1:33]), b64(point[33:]))
	sum := sha256.Sum256([]byte(jwk))
	return &phone{private: private, jwk: jwk, key: event.KeyID(b64(sum[:])), series: "request"}
}

// ofStory is the same device in another story, which counts its own requests.
func (p *phone) ofStory() *phone {
	again := *p
	return &again
}

// once signs one request that is part of no story.
func (p *phone) once(now event.Instant) event.Signed {
	aside := *p
	aside.series = "aside"
	return aside.sign(now)
}

// sign makes the proof of a new request; the phone's clock is right, to the second.
func (p *phone) sign(now event.Instant) event.Signed {
	p.count++
	proofID := fmt.Sprintf("%s-%012d", p.series, p.count)
	issued := now / 1000
	header := fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"loquet-proof+jwt"}`, p.key)
	claims, err := json.Marshal(map[string]any{
		"jti": proofID, "htm": "POST", "htu": "https://loquet.example/courier/requests", "iat": int64(issued), "bod": b64(make([]byte, 32)),
	})
	if err != nil {
		panic(err)
	}
	content := b64([]byte(header)) + "." + b64(claims)
	digest := sha256.Sum256([]byte(content))
	r, s, err := ecdsa.Sign(rand.Reader, p.private, digest[:])
	if err != nil {
		panic(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return event.Signed{Key: p.key, ID: proofID, IssuedAt: issued * 1000, JWS: content + "." + b64(signature)}
}
