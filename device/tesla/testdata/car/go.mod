// The path lies below the library's, so that its internal package with the car's side can be imported.
module github.com/teslamotors/vehicle-command/loquet/car

go 1.26

require (
	github.com/teslamotors/vehicle-command v0.4.1
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/cronokirby/saferith v0.33.0 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
)
