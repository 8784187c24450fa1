// Package https holds the gateway to what it promises where it speaks TLS itself.
//
// It owns an authority whose certificates the gateway is given, clients of both HTTP/1.1 and HTTP/2 that trust it, and the
// saves by which certificates are renewed. It promises that a person signs in and calls over https, that a pair which is
// replaced under traffic fails no request and cuts no stream, that who connects afterwards is shown the new certificate
// and nobody a wrong one, and that a half pair changes nothing.
//
// It is not for what may be wrong with a certificate, which is told when the configuration is read: see conformance/config.
package https
