package broker

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		allowed, wanted string
		want            bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a/c", false}, {"a/b", "a", false}, {"a", "a/b", false},
		{"a/+", "a/b", true}, {"a/+", "a", false}, {"a/+", "a/b/c", false}, {"a/+", "a/+", true}, {"a/+", "a/#", false},
		{"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "a/+/c", true}, {"a/#", "a/#", true}, {"a/#", "ab", false},
		{"#", "a/b", true}, {"+", "#", false}, {"a/b", "a/+", false}, {"+/b", "a/b", true}, {"a/", "a", false}, {"a/+", "a/", true},
	} {
		if got := covers(c.allowed, c.wanted); got != c.want {
			t.Errorf("covers(%q, %q) is %v", c.allowed, c.wanted, got)
		}
	}
}

// matchesTopic is MQTT's rule for one topic, level by level: the naive twin.
func matchesTopic(filter, topic []string) bool {
	switch {
	case len(filter) > 0 && filter[0] == "#":
		return true
	case len(filter) == 0 || len(topic) == 0:
		return len(filter) == len(topic)
	case filter[0] != "+" && filter[0] != topic[0]:
		return false
	case len(topic) == 1 && len(filter) == 2 && filter[1] == "#":
		return true
	}
	return matchesTopic(filter[1:], topic[1:])
}

func filters(levels ...string) *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		all := rapid.SliceOfN(rapid.SampledFrom(levels), 1, 4).Draw(t, "levels")
		if rapid.Bool().Draw(t, "open") && len(levels) > 2 {
			all = append(all, "#")
		}
		return all
	})
}

// TestCoversMeansEveryTopic: whoever may have a filter may have each topic that matches it.
func TestCoversMeansEveryTopic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		allowed, wanted := filters("a", "b", "+").Draw(t, "allowed"), filters("a", "b", "+").Draw(t, "wanted")
		topic := filters("a", "b").Draw(t, "topic")
		join := func(levels []string) string { return strings.Join(levels, "/") }
		if covers(join(allowed), join(topic)) != matchesTopic(allowed, topic) {
			t.Fatalf("%v and the topic %v", allowed, topic)
		}
		if covers(join(allowed), join(wanted)) && matchesTopic(wanted, topic) && !matchesTopic(allowed, topic) {
			t.Fatalf("%v covers %v, but not its topic %v", allowed, wanted, topic)
		}
	})
}

func TestPasswords(t *testing.T) {
	password := NewPassword()
	if len(password) != 32 || password == NewPassword() {
		t.Fatalf("a password %q", password)
	}
	hash := HashPassword(password)
	if strings.Contains(hash, password) || hash == HashPassword(password) {
		t.Fatal("the hash tells something")
	}
	if !matches(hash, password) || matches(hash, password+"x") || matches(hash, "") {
		t.Fatal("it matches wrongly")
	}
	for _, bad := range []string{"", "x", "sha256$$", "sha256$a$b", "md5$" + hash[7:], hash + "$", hash[:len(hash)-2]} {
		if checkHash(bad) == nil || matches(bad, password) {
			t.Errorf("%q passes for a hash", bad)
		}
	}
}

func FuzzCovers(f *testing.F) {
	f.Add("a/+/#", "a/b/c")
	f.Add("", "/")
	f.Fuzz(func(t *testing.T, allowed, wanted string) {
		if covers(allowed, wanted) && allowed != wanted && plain(allowed) {
			t.Fatalf("%q, without a wildcard, covers %q", allowed, wanted)
		}
	})
}
