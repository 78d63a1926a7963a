// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// OpenWatch begins a watch of one Secret, and returns its events in JSON, until ctx ends.
type OpenWatch func(ctx context.Context, secret types.NamespacedName) (io.ReadCloser, error)

// asTable has the API server tell of an object by a table of one row, whose resourceVersion is the object's. The object's metadata has
// up to 256 KiB of annotations: a thousand Secrets, all of one owner, would fill the memory.
const asTable = "application/json;as=Table;g=meta.k8s.io;v=v1"

const (
	// secretWatchTime is how long one watch lasts, up to twice, until the API server ends it.
	secretWatchTime = 5 * time.Minute
	// maxSecretWatchTime is when one is ended here, whose other end is gone.
	maxSecretWatchTime = 2*secretWatchTime + time.Minute
)

// Tables returns what watches Secrets as tables. Without a resourceVersion, a watch first tells what exists, so that no change is missed
// between two.
func Tables(config *rest.Config, via *http.Client) (OpenWatch, error) {
	scheme := runtime.NewScheme() // for what the API server answers instead of a watch
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	kind := corev1.SchemeGroupVersion.WithKind("Secret")
	core, err := apiutil.RESTClientForGVK(kind, true, false, config, serializer.NewCodecFactory(scheme), via)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, secret types.NamespacedName) (io.ReadCloser, error) {
		return core.Get().Namespace(secret.Namespace).Resource("secrets").SetHeader("Accept", asTable).
			Param("watch", "true").Param("includeObject", string(metav1.IncludeNone)).
			Param("fieldSelector", fields.OneTermEqualSelector(metav1.ObjectNameField, secret.Name).String()).
			Param("timeoutSeconds", strconv.Itoa(int(wait.Jitter(secretWatchTime, 1).Seconds()))).
			Stream(ctx)
	}, nil
}
