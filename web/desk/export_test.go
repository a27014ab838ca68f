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
	for _, where := range drives {
		keys = append(keys, "do.drive."+where)
	}
	for _, key := range []string{"push", "pull", "jam", "drain", "lock", "unlock"} {
		keys = append(keys, "do."+key, "do.car."+key)
	}
	return append(keys, "car.dead", "dead")
}
