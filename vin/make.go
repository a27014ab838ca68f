package vin

// Make is a brand, by the name that it has in every language; "" if it is none of these.
type Make string

// Makes of which a car may be connected.
const (
	Audi      Make = "Audi"
	Buick     Make = "Buick"
	Cadillac  Make = "Cadillac"
	Chevrolet Make = "Chevrolet"
	Ford      Make = "Ford"
	GMC       Make = "GMC"
	Tesla     Make = "Tesla"
	Volvo     Make = "Volvo"
)

// Makes are all of them, in the order of the alphabet.
var Makes = []Make{Audi, Buick, Cadillac, Chevrolet, Ford, GMC, Tesla, Volvo}

// made is whose the first three characters are. Lorries, buses, chassis and delivery vans of the same makers have codes
// of their own, and are not here.
var made = map[string]Make{
	"TRU": Audi, "WA1": Audi, "WAU": Audi, "WU1": Audi, "WUA": Audi,
	"1G4": Buick, "2G4": Buick, "5GA": Buick, "KL4": Buick, "LRB": Buick, "W04": Buick,
	"1G6": Cadillac, "1GY": Cadillac, "2G6": Cadillac, "3GY": Cadillac, "LRE": Cadillac,
	"1G1": Chevrolet, "1GC": Chevrolet, "1GN": Chevrolet, "2G1": Chevrolet, "2GC": Chevrolet, "2GN": Chevrolet,
	"3G1": Chevrolet, "3GC": Chevrolet, "3GN": Chevrolet, "KL1": Chevrolet, "KL7": Chevrolet, "KL8": Chevrolet,
	"1FA": Ford, "1FM": Ford, "1FT": Ford, "2FA": Ford, "2FM": Ford, "2FT": Ford, "3FA": Ford, "3FM": Ford, "3FT": Ford,
	"MAJ": Ford, "NM0": Ford, "WF0": Ford,
	"1GK": GMC, "1GT": GMC, "2GK": GMC, "2GT": GMC, "3GK": GMC, "3GT": GMC,
	"5YJ": Tesla, "7G2": Tesla, "7SA": Tesla, "LRW": Tesla, "XP7": Tesla,
	"7JD": Volvo, "7JR": Volvo, "LVY": Volvo, "LYV": Volvo, "YV1": Volvo, "YV4": Volvo,
}

// yearless are the manufacturers that put something else into the tenth place: Ford in Europe has the plant there.
var yearless = map[string]bool{"NM0": true, "WF0": true}

// Make is the brand; "" if the manufacturer is none of those of which a car may be connected.
func (v VIN) Make() Make {
	if len(v.number) != Length {
		return ""
	}
	return made[v.number[:3]]
}

// Car is what must be known of a car to say how it can be connected.
type Car struct {
	Make Make
	// Year is the model year; 0 if nobody knows.
	Year int
	// Model is the fourth character of the number, where it names the model, as Tesla's does; 0 if nobody knows.
	Model byte
}

// Car is what the number says, in a calendar year.
func (v VIN) Car(now int) Car {
	c := Car{Make: v.Make()}
	c.Year, _ = v.ModelYear(now)
	if c.Make == Tesla {
		c.Model = v.number[modelAt]
	}
	return c
}
