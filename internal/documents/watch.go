// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"bufio"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// EndsInitialEvents reads a watch until the bookmark that ends the initial events, and reports whether there is one. A
// stream that is longer than a list may be counts as good.
func EndsInitialEvents(body io.Reader) bool {
	bounded := &io.LimitedReader{R: body, N: limits.ObjectList.Bytes}
	lines := bufio.NewReader(bounded)
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, metav1.InitialEventsAnnotationKey) || bounded.N == 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
}
