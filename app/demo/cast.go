package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"sync"
	"time"

	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/client"
)

// carrier is whose couriers deliver.
const carrier = "swift"

// cast is who plays on a stage, in every scene of it: the operator, shops, and couriers with their phones.
// Safe for concurrent use.
type cast struct {
	stage *stage
	// operatorKey is an API key of the operator's.
	operatorKey string

	mu     sync.Mutex
	shops  map[string]string
	phones map[string]*ecdsa.PrivateKey
}

func newCast(s *stage) *cast {
	return &cast{stage: s, shops: make(map[string]string), phones: make(map[string]*ecdsa.PrivateKey)}
}

// lot is where a scene takes place, and who brings the parcels there.
type lot struct {
	house    house
	building house
	// prefix tells the devices of one household from those of another on the same stage.
	prefix string
	// ways are the ways in, by names of devices; nil is one way through all of them.
	ways [][]string
	// called is what the household calls its places, by the last device of the way in; the device's name when absent.
	called  map[string]string
	bringer string
}

// house is an address with somebody who decides there.
type house struct {
	address string
	member  string
	at      point
}

// point is a place on the map, in degrees (WGS 84).
type point struct{ latitude, longitude float64 }

// north is the point so many metres northwards.
func (p point) north(metres float64) point { return point{p.latitude + metres*metre, p.longitude} }

// The house of the scenarios stands here; nobody lives there.
var lilas = house{address: "12 rue des Lilas", member: "Camille Martin", at: point{48.8584, 2.2945}}

// metre is one metre northwards, in degrees of latitude.
const metre = 1.0 / 111_195

func scenarioLot() lot { return lot{house: lilas, building: lilas, bringer: "Anna"} }

// openOffice gives the operator an API key, if there is none yet.
func (p *play) openOffice() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.operatorKey == "" {
		p.operatorKey = p.key("operator", carrier)
	}
	p.operator = p.withKey(p.operatorKey)
}

func (p *play) withKey(key string) *client.Caller {
	return &client.Caller{URL: p.stage.url, Authorize: client.WithSecret("Bearer", key)}
}

func (p *play) key(role, identity string) string {
	key, err := p.stage.atMachine(p.ctx, "key", "create", "--role", role, "--identity", identity)
	p.must(err)
	return key
}

// shop is a merchant with an API key of its own.
func (p *play) shop(name string) *client.Caller {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shops[name] == "" {
		p.shops[name] = p.key("merchant", name)
	}
	return p.withKey(p.shops[name])
}

// courier is a person with a phone, who is registered and paired when first called.
func (p *play) courier(name string) *courier {
	phone, hired := p.phoneOf(name)
	if hired {
		p.say(name, "pairs a phone, whose key never leaves it")
	}
	return &courier{Caller: &client.Caller{URL: p.stage.url, Authorize: client.SignedBy(phone)}, play: p, id: carrier + "-" + name, name: name}
}

func (p *play) phoneOf(name string) (phone *ecdsa.PrivateKey, hired bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if phone, known := p.phones[name]; known {
		return phone, false
	}
	return p.hire(name), true
}

// hire registers a courier and binds a new phone. The caller holds the lock.
func (p *play) hire(name string) *ecdsa.PrivateKey {
	id := carrier + "-" + name
	p.must(p.operator.Call(p.ctx, "POST", "/v1/couriers", map[string]any{"id": id, "name": name}, nil))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.must(err)
	code, err := p.stage.atMachine(p.ctx, "courier", "pair", id)
	p.must(err)
	jwk, _, err := proof.KeyFrom(&key.PublicKey)
	p.must(err)
	phone := &client.Caller{URL: p.stage.url, Authorize: client.SignedBy(key)}
	p.must(phone.Call(p.ctx, "POST", "/v1/pair", map[string]any{"code": code, "publicJwk": jwk}, nil))
	p.phones[name] = key
	return key
}

// bringer is the courier of the scene.
func (p *play) bringer() *courier { return p.courier(p.lot.bringer) }

// now is the time as people's phones know it.
func now() string { return time.Now().Format(time.RFC3339Nano) }
