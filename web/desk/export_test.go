package desk

// Words is the catalogue, and Keys are all keys that are put together from codes.
var Words = words

func Keys() []string {
	keys := []string{}
	for _, c := range cameras {
		keys = append(keys, "do.camera."+string(c))
	}
	for _, a := range Apps() {
		keys = append(keys, "app."+string(a), "do.link."+string(a))
	}
	for _, s := range Stories() {
		keys = append(keys, "story."+string(s), "story."+string(s)+".about")
	}
	return keys
}
