// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/runtime"
)

// AssetSpec is an asset: a video or audio file in Livepeer Studio, and how it is played.
type AssetSpec struct {
	// ID of the asset.
	// +optional
	ID string `json:"id,omitempty"`
	// Type of the asset: video or audio.
	// +optional
	Type string `json:"type,omitempty"`
	// ID to play the asset by.
	// +optional
	PlaybackID string `json:"playbackId,omitempty"`
	// ID of the user who owns the asset.
	// +optional
	UserID string `json:"userId,omitempty"`
	// URL of the HLS playlist to play the asset from. Query values are masked.
	// +optional
	PlaybackURL string `json:"playbackUrl,omitempty"`
	// URL to download the asset from. Query values are masked.
	// +optional
	DownloadURL string `json:"downloadUrl,omitempty"`
	// Who may play the asset.
	// +optional
	PlaybackPolicy *PlaybackPolicy `json:"playbackPolicy,omitempty"`
	// Where the asset came from.
	// +optional
	Source *AssetSource `json:"source,omitempty"`
	// Who made the asset.
	// +optional
	CreatorID *CreatorID `json:"creatorId,omitempty"`
	// Renditions that were asked for.
	// +listType=atomic
	// +optional
	Profiles []TranscodeProfile `json:"profiles,omitzero"`
	// Where the asset is stored besides Studio.
	// +optional
	Storage *AssetStorage `json:"storage,omitempty"`
	// State of the asset when the task was stored.
	// +optional
	Status *AssetStatus `json:"status,omitempty"`
	// Name of the asset, for instance filename.mp4.
	// +optional
	Name string `json:"name,omitempty"`
	// ID of the project that the asset belongs to.
	// +optional
	ProjectID string `json:"projectId,omitempty"`
	// When the asset was created, in milliseconds since 1970.
	// +optional
	CreatedAt *int64 `json:"createdAt,omitempty"`
	// Name of the API key that the asset was created with.
	// +optional
	CreatedByTokenName string `json:"createdByTokenName,omitempty"`
	// Size in bytes.
	// +optional
	Size *float64 `json:"size,omitempty"`
	// Hashes of the asset's content.
	// +listType=atomic
	// +optional
	Hash []AssetHash `json:"hash,omitzero"`
	// What the video is like.
	// +optional
	VideoSpec *VideoSpec `json:"videoSpec,omitempty"`
	// ID of the asset that this one was made from; absent on one that was made from none. Studio sends it, but does not
	// document it.
	// +optional
	SourceAssetID string `json:"sourceAssetId,omitempty"`
}

// PlaybackPolicy says who may play an asset.
type PlaybackPolicy struct {
	// How playback is checked: public, jwt or webhook.
	// +optional
	Type string `json:"type,omitempty"`
	// ID of the webhook that is asked.
	// +optional
	WebhookID string `json:"webhookId,omitempty"`
	// What the webhook is told, as the user gave it. Values that look like credentials are masked.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	WebhookContext *runtime.RawExtension `json:"webhookContext,omitempty"`
	// How often the webhook is asked again, in seconds.
	// +optional
	RefreshInterval *float64 `json:"refreshInterval,omitempty"`
	// Web origins that may play the asset.
	// +listType=atomic
	// +optional
	AllowedOrigins []string `json:"allowedOrigins,omitzero"`
}

// AssetSource says where an asset came from.
type AssetSource struct {
	// How it came: url, directUpload, recording or clip; transcode on old assets.
	// +optional
	Type string `json:"type,omitempty"`
	// URL that it was fetched from. User info and query values are masked.
	// +optional
	URL string `json:"url,omitempty"`
	// URL of the same on a gateway, for ipfs:// and ar:// URLs. User info and query values are masked.
	// +optional
	GatewayURL string `json:"gatewayUrl,omitempty"`
	// Encryption of the file. Its values are masked.
	// +optional
	Encryption *Encryption `json:"encryption,omitempty"`
	// ID of the session that was recorded, or clipped.
	// +optional
	SessionID string `json:"sessionId,omitempty"`
	// ID of the asset or stream that was clipped.
	// +optional
	SourceID string `json:"sourceId,omitempty"`
	// Playback ID of the asset or stream that was clipped.
	// +optional
	PlaybackID string `json:"playbackId,omitempty"`
	// ID of whoever asked for the clip: a hash of IP address, salt and playback ID.
	// +optional
	RequesterID string `json:"requesterId,omitempty"`
	// ID of the asset that was clipped.
	// +optional
	AssetID string `json:"assetId,omitempty"`
	// ID of the asset that was transcoded, on old assets. Studio sends it, but does not document it.
	// +optional
	InputAssetID string `json:"inputAssetId,omitempty"`
}

// AssetStorage says where an asset is stored besides Studio.
type AssetStorage struct {
	// Storage on IPFS.
	// +optional
	IPFS *AssetIPFS `json:"ipfs,omitempty"`
	// State of the storage.
	// +optional
	Status *AssetStorageStatus `json:"status,omitempty"`
}

// AssetIPFS is how an asset is stored on IPFS.
type AssetIPFS struct {
	// What was asked for.
	// +optional
	Spec *AssetIPFSSpec `json:"spec,omitempty"`
	// CID of the asset's file.
	// +optional
	CID string `json:"cid,omitempty"`
	// ipfs:// URL of the asset's file.
	// +optional
	URL string `json:"url,omitempty"`
	// URL of the asset's file on a gateway.
	// +optional
	GatewayURL string `json:"gatewayUrl,omitempty"`
	// An artefact of the API's reference page, whose generator left a reference unresolved: it stands for cid, url and
	// gatewayUrl. No asset has it.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Ref *runtime.RawExtension `json:"$ref,omitempty"`
	// Where the NFT metadata is.
	// +optional
	NFTMetadata *IPFSFile `json:"nftMetadata,omitempty"`
	// When this last changed, in milliseconds since 1970.
	// +optional
	UpdatedAt *int64 `json:"updatedAt,omitempty"`
}

// AssetIPFSSpec is what was asked of a storage on IPFS.
type AssetIPFSSpec struct {
	// Which metadata of the NFT to start from: file or player.
	// +optional
	NFTMetadataTemplate string `json:"nftMetadataTemplate,omitempty"`
	// Metadata of the NFT, as the user gave it. Values that look like credentials are masked.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	NFTMetadata *runtime.RawExtension `json:"nftMetadata,omitempty"`
}

// IPFSFile is a file on IPFS.
type IPFSFile struct {
	// CID of the file.
	// +optional
	CID string `json:"cid,omitempty"`
	// ipfs:// URL of the file.
	// +optional
	URL string `json:"url,omitempty"`
	// URL of the file on a gateway.
	// +optional
	GatewayURL string `json:"gatewayUrl,omitempty"`
}

// AssetStorageStatus is the state of an asset's storage.
type AssetStorageStatus struct {
	// Where the storing is: waiting, processing, ready, failed or reverted.
	// +optional
	Phase string `json:"phase,omitempty"`
	// How far the storing is, as the API sends it: 0 to 1.
	// +optional
	Progress *float64 `json:"progress,omitempty"`
	// Why the storing failed. Anything that looks like a credential is masked.
	// +optional
	ErrorMessage string `json:"errorMessage,omitempty"`
	// The tasks that do the storing.
	// +optional
	Tasks *AssetStorageTasks `json:"tasks,omitempty"`
}

// AssetStorageTasks names the tasks that store an asset.
type AssetStorageTasks struct {
	// ID of the task that is under way.
	// +optional
	Pending string `json:"pending,omitempty"`
	// ID of the last task that ended well.
	// +optional
	Last string `json:"last,omitempty"`
	// ID of the last task that failed.
	// +optional
	Failed string `json:"failed,omitempty"`
}

// AssetStatus is the state of an asset.
type AssetStatus struct {
	// Where the asset is: uploading, waiting, processing, ready, failed, deleting or deleted.
	// +optional
	Phase string `json:"phase,omitempty"`
	// When this last changed, in milliseconds since 1970.
	// +optional
	UpdatedAt *int64 `json:"updatedAt,omitempty"`
	// How far the asset is, as the API sends it.
	// +optional
	Progress *float64 `json:"progress,omitempty"`
	// Why the asset failed. Anything that looks like a credential is masked.
	// +optional
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// AssetHash is a hash of an asset's content.
type AssetHash struct {
	// The hash, in hexadecimal.
	// +optional
	Hash string `json:"hash,omitempty"`
	// How it was computed, for instance md5 or sha256.
	// +optional
	Algorithm string `json:"algorithm,omitempty"`
}

// VideoSpec says what a video is like.
type VideoSpec struct {
	// Container format, for instance mp4.
	// +optional
	Format string `json:"format,omitempty"`
	// Length in seconds.
	// +optional
	Duration *float64 `json:"duration,omitempty"`
	// Bits per second.
	// +optional
	Bitrate *float64 `json:"bitrate,omitempty"`
	// Tracks of the file.
	// +listType=atomic
	// +optional
	Tracks []MediaTrack `json:"tracks,omitzero"`
}

// MediaTrack is a video or audio track of a file.
type MediaTrack struct {
	// Type of the track: video or audio.
	// +optional
	Type string `json:"type,omitempty"`
	// Codec, for instance h264 or aac.
	// +optional
	Codec string `json:"codec,omitempty"`
	// Start of the track, in seconds.
	// +optional
	StartTime *float64 `json:"startTime,omitempty"`
	// Length in seconds.
	// +optional
	Duration *float64 `json:"duration,omitempty"`
	// Bits per second.
	// +optional
	Bitrate *float64 `json:"bitrate,omitempty"`
	// Width in pixels; video only.
	// +optional
	Width *float64 `json:"width,omitempty"`
	// Height in pixels; video only.
	// +optional
	Height *float64 `json:"height,omitempty"`
	// Pixel format, for instance yuv420p; video only.
	// +optional
	PixelFormat string `json:"pixelFormat,omitempty"`
	// Frames per second; video only.
	// +optional
	FPS *float64 `json:"fps,omitempty"`
	// Number of channels; audio only.
	// +optional
	Channels *float64 `json:"channels,omitempty"`
	// Samples per second; audio only.
	// +optional
	SampleRate *float64 `json:"sampleRate,omitempty"`
	// Bits per sample; audio only.
	// +optional
	BitDepth *float64 `json:"bitDepth,omitempty"`
}
