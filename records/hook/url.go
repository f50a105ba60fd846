package hook

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// maxURL bounds an address.
const maxURL = 2000

// CheckURL refuses what is no address to send to. Whether the host may be
// connected to shows when it is.
func CheckURL(text string) error {
	if len(text) > maxURL {
		return fmt.Errorf("the address is longer than %d bytes", maxURL)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return errors.New("this is no address; it is like https://example.com/hook")
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("the scheme of the address is %s, and not https", u.Scheme)
	case u.User != nil:
		return errors.New("the address holds a name or password; the signature is what proves who sends")
	case u.Fragment != "":
		return errors.New("the address holds a #, behind which nothing is sent")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%s is no port", port)
		}
	}
	return nil
}
