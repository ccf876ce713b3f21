// The benchmark's filters on emersion/go-milter: program answered|end host:port|/path
//
// "answered" answers every event by itself; "end" negotiates away all answers but the last. The library itself answers
// DATA, and knows no way not to: "end" has it left out.
package main

import (
	"log"
	"net"
	"net/textproto"
	"os"
	"strings"

	"github.com/emersion/go-milter"
)

const noReplies = milter.OptNoConnReply | milter.OptNoHeloReply | milter.OptNoMailReply | milter.OptNoRcptReply |
	milter.OptNoData | milter.OptNoHeaderReply | milter.OptNoEOHReply | milter.OptNoBodyReply

// filter gives one answer to all events, nil for none, and accepts at the end, as NoOpMilter does.
type filter struct {
	milter.NoOpMilter
	answer milter.Response
}

func (f filter) Connect(string, string, uint16, net.IP, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func (f filter) Helo(string, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func (f filter) MailFrom(string, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func (f filter) RcptTo(string, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func (f filter) Header(string, string, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func (f filter) Headers(textproto.MIMEHeader, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func (f filter) BodyChunk([]byte, *milter.Modifier) (milter.Response, error) {
	return f.answer, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatalf("usage: %s answered|end address", os.Args[0])
	}
	backend := filter{answer: milter.RespContinue}
	var protocol milter.OptProtocol
	if os.Args[1] == "end" {
		backend.answer, protocol = nil, noReplies
	}
	network := "tcp"
	if strings.HasPrefix(os.Args[2], "/") {
		network = "unix"
	}
	listener, err := net.Listen(network, os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	server := milter.Server{NewMilter: func() milter.Milter { return backend }, Protocol: protocol}
	log.Fatal(server.Serve(listener))
}
