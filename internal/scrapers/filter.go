// SPDX-License-Identifier: Apache-2.0

package scrapers

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"
	authenticationapi "k8s.io/api/authentication/v1"
	authorizationapi "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	authentication "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/livepeer/livepeer-task-operator/internal/fair"
)

const (
	// asking bounds the requests that the API server reviews at once, and addressAsking those from one address: whoever guesses tokens
	// neither uses up the operator's share of the API server, nor delays others.
	asking        = 4
	addressAsking = 2
	// timeout bounds the wait for a turn and for both answers.
	timeout = 10 * time.Second
	// maxToken bounds a token, in bytes. Those of ServiceAccounts have some 1,000.
	maxToken = 16 << 10
)

// Why a request is refused.
var (
	errUnknown = errors.New("no bearer token, or none that Kubernetes knows")
	errDenied  = errors.New("may not read this path: its ClusterRole lacks get for this nonResourceURL")
)

// Filter returns a filter for the metrics server. It asks the API server of config, with the operator's rights.
func Filter(config *rest.Config, httpClient *http.Client) (metricsserver.Filter, error) {
	tokens, err := authentication.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, err
	}
	access, err := authorization.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, err
	}
	f := &filter{tokens: tokens.TokenReviews(), access: access.SubjectAccessReviews(), turns: fair.NewGate(asking, addressAsking)}
	return func(log logr.Logger, metrics http.Handler) (http.Handler, error) {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := f.permit(r)
			switch {
			case err == nil:
				metrics.ServeHTTP(w, r)
			case errors.Is(err, errUnknown):
				http.Error(w, "Unauthorized: "+err.Error(), http.StatusUnauthorized)
			case errors.Is(err, errDenied):
				http.Error(w, "Forbidden: "+err.Error(), http.StatusForbidden)
			default:
				if r.Context().Err() == nil {
					log.Error(err, "Whether metrics may be read can't be asked: look at the API server and at the operator's rights")
				}
				http.Error(w, "Kubernetes can't be asked who may read metrics", http.StatusInternalServerError)
			}
		}), nil
	}, nil
}

type filter struct {
	tokens authentication.TokenReviewInterface
	access authorization.SubjectAccessReviewInterface
	turns  *fair.Gate
}

// permit returns nil if a request is permitted, errUnknown or errDenied if not, and any other error if it can't find out.
func (f *filter) permit(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return errUnknown
	}
	// Without a logger: at high verbosity, client-go logs requests, up to the token.
	ctx, cancel := context.WithTimeout(logr.NewContext(r.Context(), logr.Discard()), timeout)
	defer cancel()
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	release, err := f.turns.Acquire(ctx, types.NamespacedName{Namespace: address})
	if err != nil {
		return err
	}
	defer release()
	who := &authenticationapi.TokenReview{Spec: authenticationapi.TokenReviewSpec{Token: token}}
	review, err := f.tokens.Create(ctx, who, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if !review.Status.Authenticated {
		return errUnknown
	}
	question := &authorizationapi.SubjectAccessReview{Spec: asks(&review.Status.User, r)}
	answer, err := f.access.Create(ctx, question, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if !answer.Status.Allowed {
		return errDenied
	}
	return nil
}

// asks returns the review of whether a user may do what a request asks for.
func asks(user *authenticationapi.UserInfo, r *http.Request) authorizationapi.SubjectAccessReviewSpec {
	extra := map[string]authorizationapi.ExtraValue{}
	for key, values := range user.Extra {
		extra[key] = authorizationapi.ExtraValue(values)
	}
	return authorizationapi.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
		NonResourceAttributes: &authorizationapi.NonResourceAttributes{Path: r.URL.Path, Verb: strings.ToLower(r.Method)},
	}
}
