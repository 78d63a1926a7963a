// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/validation"
)

// expected is what the library would like to have and should not: nobody creates a LivepeerTask, so there is no example of one.
const expected = "Kind=LivepeerTask: provided API should have an example annotation"

// check has OLM's library look at a bundle: what makes one, what OperatorHub asks for beyond, and good practice. Not asked are the
// validator of architectures, which needs a container engine and an image that was pushed, and those that are deprecated.
func check(dir string) error {
	bundle, err := manifests.GetBundleFromDir(dir)
	if err != nil {
		return err
	}
	validators := validation.DefaultBundleValidators.WithValidators(
		validation.OperatorHubV2Validator, validation.StandardCapabilitiesValidator, validation.StandardCategoriesValidator,
		validation.ObjectValidator, validation.AlphaDeprecatedAPIsValidator, validation.GoodPracticesValidator)
	var found []error
	for _, result := range validators.Validate(bundle.ObjectsToValidate()...) {
		for _, problem := range append(result.Errors, result.Warnings...) {
			if !strings.HasSuffix(problem.Error(), expected) {
				found = append(found, fmt.Errorf("%s: %w", result.Name, problem))
			}
		}
	}
	return errors.Join(found...)
}
