// SPDX-License-Identifier: Apache-2.0

package storagecheck

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

var errLinkLocal = errors.New("the address is link-local, where no storage is")

// newDialer connects to what servers may have as their storage. It refuses what is on the link of the operator's node,
// such as the metadata service of a cloud: the author of an ExtensionAPI chooses the address.
func newDialer() *net.Dialer {
	return &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		resolved, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if ip := resolved.Addr().Unmap(); ip.IsLinkLocalUnicast() || ip.IsMulticast() {
			return errLinkLocal
		}
		return nil
	}}
}
