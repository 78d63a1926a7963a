local suspended = obj.spec.suspend == true
return {
  ["sync"] = {["disabled"] = suspended, ["displayName"] = "Sync now"},
  ["suspend"] = {["disabled"] = suspended, ["displayName"] = "Suspend"},
  ["resume"] = {["disabled"] = not suspended, ["displayName"] = "Resume"},
}
