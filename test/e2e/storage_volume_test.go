// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volumeClass is the default StorageClass of the demo (config/samples/volume.yaml), for which volumes are made by hand.
const volumeClass = "manual"

// volume is a file system in memory on the node, so that it can be full.
type volume struct {
	name, directory string
}

// makeVolume makes a volume of that size that the next claim for it is bound to.
func makeVolume(t *testing.T, name, size string) volume {
	t.Helper()
	v := volume{name: name, directory: "/var/lib/e2e-volumes/" + name}
	v.onNode(t, "mkdir", "-p", v.directory)
	quantity := resource.MustParse(size)
	options := "mode=0775,size=" + strconv.FormatInt(quantity.Value(), 10)
	v.onNode(t, "mount", "-t", "tmpfs", "-o", options, "tmpfs", v.directory)
	t.Cleanup(func() {
		v.onNode(t, "umount", "--lazy", v.directory)
		v.onNode(t, "rmdir", v.directory)
	})
	createObject(t, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:              volumeClass,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: quantity},
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				Local: &corev1.LocalVolumeSource{Path: v.directory},
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelOSStable, Operator: corev1.NodeSelectorOpIn, Values: []string{"linux"},
				}}}},
			}},
		},
	})
	return v
}

// claim claims the volume.
func (v volume) claim(t *testing.T, size string) {
	t.Helper()
	createObject(t, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: v.name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, VolumeName: v.name,
			StorageClassName: new(volumeClass),
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
			},
		},
	})
}

// fill leaves no byte free, until empty is called.
func (v volume) fill(t *testing.T) (empty func()) {
	t.Helper()
	file := filepath.Join(v.directory, "filler")
	v.onNode(t, "sh", "-c", "head -c 8G /dev/zero >"+file+" || true")
	return func() { v.onNode(t, "rm", "-f", file) }
}

// onNode runs a program in the mount namespace of the node; it also works in cleanups.
func (v volume) onNode(t *testing.T, program ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(filepath.Dir(kubeconfig), "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ Node struct{ PID int } }
	if err := json.Unmarshal(content, &record); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--target", strconv.Itoa(record.Node.PID), "--all", "--"}, program...) // umount reads /proc
	if _, err := output(context.WithoutCancel(t.Context()), "nsenter", args...); err != nil {
		t.Error(err)
	}
}
