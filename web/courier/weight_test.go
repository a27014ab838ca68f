package courier

import (
	"net/http"
	"testing"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

// firstLoad is what the first load of the round may cost, as it travels. The design allows 120 KB; what only a stop, a
// scan or a picture needs comes with them.
const firstLoad = 76 << 10

func TestFirstLoad(t *testing.T) {
	k := kit(t)
	a := &app{Deps: Deps{Kit: k, Phone: "+33123456789"}, mux: http.NewServeMux()}
	a.shells()
	served := http.NewServeMux()
	served.Handle("/assets/", k.Assets())
	served.Handle("/", k.Guard(a.mux))
	sum := uitest.FirstLoad(t, served, "/courier/")
	// The round itself comes twice: asked for, packed to about half; and by the stream, as it is.
	round := len(uitest.HTML(t, uitest.Context(t, phrase.French), pages(phrase.French)["stops"].main))
	t.Logf("%6d the round", round)
	if sum += round + round/2; sum > firstLoad {
		t.Errorf("the first load has %d bytes, more than %d", sum, firstLoad)
	}
}
