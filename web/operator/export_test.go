package operator

import "github.com/loquet/loquet/auth"

// Addresses are the patterns of every way into the console.
func Addresses() []string {
	var all []string
	for _, w := range ways() {
		all = append(all, w.pattern)
	}
	return all
}

// Roles are the least role for each.
func Roles() map[string]auth.StaffRole {
	all := map[string]auth.StaffRole{}
	for _, w := range ways() {
		all[w.pattern] = w.role
	}
	return all
}
