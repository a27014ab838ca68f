// Package volvotest is a fake of Volvo Cars' cloud: a real HTTP server with Volvo ID's OAuth (with PKCE S256), the
// Connected Vehicle API v2, the Location API v1, and the published limits, counted. It is for tests and for the demo
// only, and holds no real car.
//
// Its shapes are those of developer.volvocars.com ("Connected Vehicle API v2", "Location API v1", "Authorisation", "API
// rate limits") and of the sample bodies that Home Assistant's integration is tested with (home-assistant/core,
// tests/components/volvo/fixtures), in the envelope {"data": …} that the wire has around most of them. No software that
// anybody else wrote has proven it, and it has met no real car.
package volvotest
