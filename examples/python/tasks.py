#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""Follows LivepeerTasks. docs/app-developers.md explains it."""
import sys
import time

from kubernetes import client, config, watch
from urllib3.exceptions import HTTPError

KIND = {"group": "studio.livepeer.org", "version": "v1alpha1", "plural": "livepeertasks"}


def follow(namespace, selector):
    """Yields ADDED and each task that is in the selection or comes into it, MODIFIED and each that changes in it, and
    DELETED and each that leaves it. Goes on after errors and lost connections."""
    config.load_config()
    tasks = client.CustomObjectsApi().list_namespaced_custom_object
    options = {**KIND, "namespace": namespace, "field_selector": selector}
    known, version = set(), None
    while True:
        try:
            if version is None:
                listed = tasks(**options)
                known &= {task["metadata"]["name"] for task in listed["items"]}
                for task in listed["items"]:
                    yield "MODIFIED" if task["metadata"]["name"] in known else "ADDED", task
                    known.add(task["metadata"]["name"])
                version = listed["metadata"]["resourceVersion"]
            # The API server ends the watch after 300 s; silence beyond that is a connection that was lost.
            for event in watch.Watch().stream(tasks, **options, resource_version=version, timeout_seconds=300, _request_timeout=330):
                task = event["object"]
                yield event["type"], task
                (known.discard if event["type"] == "DELETED" else known.add)(task["metadata"]["name"])
                version = task["metadata"]["resourceVersion"]
        except (client.ApiException, HTTPError) as error:
            print(f"Watching tasks: {error}. Listing again in 5 s.", file=sys.stderr)
            version = None
            time.sleep(5)


def failures(namespace):
    for change, task in follow(namespace, "status.phase=failed"):
        if change == "ADDED":
            spec, status = task["spec"], task["status"]
            print(f"{spec['id']} ({spec.get('type')}): {status.get('errorMessage')}", flush=True)


def completions(namespace):
    for change, task in follow(namespace, "status.phase=completed"):
        status = task["status"]
        output = status.get("output", {})
        made = output.get("upload") or output.get("clip") or {}
        url = made.get("assetSpec", {}).get("playbackUrl")
        if change == "ADDED" and url:
            print(f"{status.get('displayName', task['spec']['id'])}: {url}", flush=True)


def wait(namespace, asset_id):
    for _, task in follow(namespace, f"spec.outputAssetId={asset_id}"):
        status = task.get("status", {})
        phase = status.get("phase", "new")
        print(f"{task['spec']['id']}: {phase} {status.get('errorMessage', '')}".rstrip(), flush=True)
        if {"Finished": "True"}.items() <= {c["type"]: c["status"] for c in status.get("conditions", [])}.items():
            sys.exit(0 if phase == "completed" else 1)


COMMANDS = {"failures": failures, "completions": completions, "wait": wait}
if __name__ == "__main__":
    if len(sys.argv) != (4 if sys.argv[2:3] == ["wait"] else 3) or sys.argv[2] not in COMMANDS:
        sys.exit("Usage: tasks.py <namespace> failures|completions|wait <asset ID>")
    COMMANDS[sys.argv[2]](sys.argv[1], *sys.argv[3:])
