// Package carlink keeps the connections of households to the makers of their cars: the consent that a customer gives on the
// maker's own page, its tokens, and the cars that were chosen of those that it covers.
//
//	Begin ──▶ the maker's page ──▶ Finish ──▶ Vehicles ──▶ Choose ──▶ devices, reserved for the site
//	            │                     │                       │
//	            └ refused: ErrDeclined└ another's session,    └ of another household: ErrTaken
//	                                    or twice: ErrAsked
//
// What proves whose car it is, is that the maker lists it under the consent; a VIN or a plate never does. One VIN is
// connected for one household at a time.
//
// # What is kept, and for how long
//
// Tokens, VINs and the makers' names of cars are sealed under the site's key, in the register: erasing the site erases
// them. The register of devices names a car only by a commitment, and a connector makes a device only if the household's
// own record has it, so that nobody who may reserve devices can reach a car with a configuration of his own. What was
// begun and not finished is forgotten after ten minutes.
//
// # How a consent ends
//
//   - Withdraw: the site is told, the devices are forgotten, the maker is told, the tokens are erased, in this order. It
//     may be repeated from wherever it broke off.
//   - The owner withdrew it at the maker: that is found out when the tokens are renewed ahead of their end, or when a car
//     is asked for. The site is told at once; the cars stay chosen, for a consent that is given again.
//   - The household moves out: Forget withdraws all, before the site's key is erased.
package carlink
