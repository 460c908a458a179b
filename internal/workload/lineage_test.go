// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestPodsCountByTheirOwners(t *testing.T) {
	const deployment, replicaSet = types.UID("deployment"), types.UID("replica-set")
	deploymentWith := func(uid types.UID, name string) *metav1.OwnerReference {
		return &metav1.OwnerReference{Kind: "Deployment", Name: name, UID: uid, Controller: new(true)}
	}
	tests := map[string]struct {
		deployment types.UID
		// ofReplicaSet is the controller of the only ReplicaSet, and ofPod that of the Pod.
		ofReplicaSet, ofPod *metav1.OwnerReference
		ends                bool
		counts              bool
		// account reports whether the Pod's ServiceAccount, which is the ReplicaSet's, gets the server's rights.
		account bool
	}{
		"a Pod of the Deployment's ReplicaSet": {
			deployment, deploymentWith(deployment, "shop"), replicaSetWith(replicaSet), false, true, true,
		},
		"a Pod without an owner": {
			deployment, deploymentWith(deployment, "shop"), nil, false, false, false,
		},
		"a Pod of something else than a ReplicaSet": {
			deployment, deploymentWith(deployment, "shop"),
			&metav1.OwnerReference{Kind: "Job", UID: replicaSet, Controller: new(true)}, false, false, false,
		},
		"a Pod that a ReplicaSet owns but does not control": {
			deployment, deploymentWith(deployment, "shop"),
			&metav1.OwnerReference{Kind: "ReplicaSet", UID: replicaSet}, false, false, false,
		},
		"a Pod of another Deployment's ReplicaSet": {
			deployment, deploymentWith("other", "other"), replicaSetWith(replicaSet), false, false, false,
		},
		"a Pod of a ReplicaSet of an earlier Deployment of that name": {
			deployment, deploymentWith("earlier", "shop"), replicaSetWith(replicaSet), false, false, false,
		},
		"a Pod of a ReplicaSet that the Deployment adopts": {
			deployment, nil, replicaSetWith(replicaSet), false, true, false,
		},
		"a Pod whose ReplicaSet is not known": {
			deployment, deploymentWith(deployment, "shop"), replicaSetWith("gone"), false, false, false,
		},
		"a Pod that ends after its ReplicaSet": {
			deployment, deploymentWith(deployment, "shop"), replicaSetWith("gone"), true, true, false,
		},
		"a Pod that ends and never had one": {
			deployment, deploymentWith(deployment, "shop"), nil, true, false, false,
		},
		"a Pod of the Deployment that is gone, or has lost its label": {
			"", deploymentWith(deployment, "shop"), replicaSetWith(replicaSet), false, true, false,
		},
		"a Pod of another Deployment while there is none": {
			"", deploymentWith("other", "other"), replicaSetWith(replicaSet), false, false, false,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pod := corev1.Pod{ObjectMeta: controlledBy(test.ofPod), Spec: corev1.PodSpec{ServiceAccountName: "shop"}}
			if test.ends {
				pod.DeletionTimestamp = &metav1.Time{}
			}
			l := Lineage{
				name: "shop", deployment: test.deployment, pods: []corev1.Pod{pod},
				replicaSets: map[types.UID]*appsv1.ReplicaSet{replicaSet: replicaSetOf(test.ofReplicaSet, "shop")},
			}
			if counts := len(l.Members()) == 1; counts != test.counts {
				t.Errorf("it counts: %t", counts)
			}
			if account := slices.Contains(l.Accounts(), "shop"); account != test.account {
				t.Errorf("its ServiceAccount is bound: %t", account)
			}
		})
	}
}

func TestOnlyTheServiceAccountThatTheDeploymentNamedIsBound(t *testing.T) {
	const deployment, replicaSet = types.UID("deployment"), types.UID("replica-set")
	smuggled := corev1.Pod{
		ObjectMeta: controlledBy(replicaSetWith(replicaSet)), Spec: corev1.PodSpec{ServiceAccountName: "smuggled"},
	}
	owner := &metav1.OwnerReference{Kind: "Deployment", UID: deployment, Controller: new(true)}
	l := Lineage{
		deployment: deployment, pods: []corev1.Pod{smuggled},
		replicaSets: map[types.UID]*appsv1.ReplicaSet{replicaSet: replicaSetOf(owner, "shop")},
	}
	if accounts := l.Accounts(); len(accounts) > 0 {
		t.Errorf("bound are %v", accounts)
	}
}

func replicaSetWith(uid types.UID) *metav1.OwnerReference {
	return &metav1.OwnerReference{Kind: "ReplicaSet", UID: uid, Controller: new(true)}
}

func replicaSetOf(owner *metav1.OwnerReference, account string) *appsv1.ReplicaSet {
	replicaSet := &appsv1.ReplicaSet{ObjectMeta: controlledBy(owner)}
	replicaSet.Spec.Template.Spec.ServiceAccountName = account
	return replicaSet
}

func controlledBy(owner *metav1.OwnerReference) metav1.ObjectMeta {
	if owner == nil {
		return metav1.ObjectMeta{}
	}
	return metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{*owner}}
}
