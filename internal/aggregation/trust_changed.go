// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trustChanged returns when what sets the front-proxy CA last changed the ConfigMap, zero if that is not known. A
// server that was started later has read that CA. kube-apiserver writes the ConfigMap only when something changes
// (k8s.io/kubernetes pkg/controlplane/controller/clusterauthenticationtrust), but it may be another key.
func trustChanged(configMap metav1.Object) (last time.Time) {
	for _, entry := range configMap.GetManagedFields() {
		if entry.Time != nil && entry.Time.After(last) && setsTrust(entry) {
			last = entry.Time.Time
		}
	}
	return last
}

func setsTrust(entry metav1.ManagedFieldsEntry) bool {
	if entry.FieldsV1 == nil {
		return false
	}
	var fields struct {
		Data map[string]json.RawMessage `json:"f:data"`
	}
	err := json.NewDecoder(entry.FieldsV1.GetRawReader()).Decode(&fields)
	_, sets := fields.Data["f:"+trustKey]
	return err == nil && sets
}
