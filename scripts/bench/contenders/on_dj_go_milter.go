// The benchmark's filters on d--j/go-milter: program answered|end host:port|/path
//
// "answered" answers every event by itself; "end" negotiates away all answers but the last.
package main

import (
	"log"
	"net"
	"os"
	"strings"

	"github.com/d--j/go-milter"
)

const noReplies = milter.OptNoConnReply | milter.OptNoHeloReply | milter.OptNoMailReply | milter.OptNoRcptReply |
	milter.OptNoDataReply | milter.OptNoHeaderReply | milter.OptNoEOHReply | milter.OptNoBodyReply

// filter says "continue" to all events and accepts at the end, as NoOpMilter does, but asks to skip none. What is
// negotiated not to be answered the library does not answer.
type filter struct{ milter.NoOpMilter }

func (filter) RcptTo(string, string, milter.Modifier) (*milter.Response, error) {
	return milter.RespContinue, nil
}

func (filter) Header(string, string, milter.Modifier) (*milter.Response, error) {
	return milter.RespContinue, nil
}

func (filter) BodyChunk([]byte, milter.Modifier) (*milter.Response, error) {
	return milter.RespContinue, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatalf("usage: %s answered|end address", os.Args[0])
	}
	var protocol milter.OptProtocol
	if os.Args[1] == "end" {
		protocol = noReplies
	}
	network := "tcp"
	if strings.HasPrefix(os.Args[2], "/") {
		network = "unix"
	}
	listener, err := net.Listen(network, os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	server := milter.NewServer(
		milter.WithMilter(func() milter.Milter { return filter{} }),
		milter.WithProtocol(protocol),
	)
	log.Fatal(server.Serve(listener))
}
