package broker

// Sessions is how many the library keeps.
func Sessions(b *Broker) int { return b.server.Clients.Len() }

// Forget has the library forget a client, as it does where a session expires.
func Forget(b *Broker, clientID string) { b.server.Clients.Delete(clientID) }
