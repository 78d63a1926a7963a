// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TaskParams are the parameters of a task. The field that bears the name of the task's type is set.
type TaskParams struct {
	// Parameters of a task of type upload.
	// +optional
	Upload *UploadParams `json:"upload,omitempty"`
	// Parameters of a task of type export.
	// +optional
	Export *ExportParams `json:"export,omitempty"`
	// Parameters of a task of type export-data.
	// +optional
	ExportData *ExportDataParams `json:"exportData,omitempty"`
	// Parameters of a task of type transcode-file.
	// +optional
	TranscodeFile *TranscodeFileParams `json:"transcodeFile,omitempty"`
	// Parameters of a task of type clip.
	// +optional
	Clip *ClipParams `json:"clip,omitempty"`
	// Parameters of a task of type import, as upload was called once.
	// +optional
	Import *UploadParams `json:"import,omitempty"`
	// Parameters of a task of type transcode, which Studio makes no more.
	// +optional
	Transcode *TranscodeParams `json:"transcode,omitempty"`
}

// UploadParams say how to import a file as an asset.
type UploadParams struct {
	// URL that the file is fetched from. User info and query values are masked.
	// +optional
	URL string `json:"url,omitempty"`
	// Encryption of the file. Its values are masked.
	// +optional
	Encryption *Encryption `json:"encryption,omitempty"`
	// Whether to embed C2PA provenance data into the output.
	// +optional
	C2PA *bool `json:"c2pa,omitempty"`
	// Renditions to make.
	// +listType=atomic
	// +optional
	Profiles []TranscodeProfile `json:"profiles,omitzero"`
	// Length of the output's segments, in seconds.
	// +optional
	TargetSegmentSizeSecs *float64 `json:"targetSegmentSizeSecs,omitempty"`
	// Whether to make thumbnails. Studio sends it, but does not document it.
	// +optional
	Thumbnails *bool `json:"thumbnails,omitempty"`
	// Which pipeline does the work, for instance catalyst_ffmpeg. Studio sends it, but does not document it.
	// +optional
	CatalystPipelineStrategy string `json:"catalystPipelineStrategy,omitempty"`
}

// TranscodeParams say how to make another asset of one. Tasks of type transcode are old: Studio makes no more of them.
type TranscodeParams struct {
	UploadParams `json:",inline"`
	// Rendition to make.
	// +optional
	Profile *TranscodeProfile `json:"profile,omitempty"`
}

// Encryption of an input file. Every value is masked: only which keys there were is visible.
type Encryption struct {
	// Encryption key, always masked.
	// +optional
	Key string `json:"key,omitempty"`
	// Encryption key, wrapped with Livepeer's public key, always masked.
	// +optional
	EncryptedKey string `json:"encryptedKey,omitempty"`
}

// TranscodeProfile describes one rendition to make.
type TranscodeProfile struct {
	// Width in pixels.
	// +optional
	Width *int64 `json:"width,omitempty"`
	// Name of the rendition, for instance 720p.
	// +optional
	Name string `json:"name,omitempty"`
	// Height in pixels.
	// +optional
	Height *int64 `json:"height,omitempty"`
	// Bits per second.
	// +optional
	Bitrate *int64 `json:"bitrate,omitempty"`
	// Constant rate factor, from 0 (best) to 44.
	// +optional
	Quality *int64 `json:"quality,omitempty"`
	// Frames per second, or its numerator where fpsDen is set. 0 keeps the input's.
	// +optional
	FPS *float64 `json:"fps,omitempty"`
	// Denominator of the frame rate.
	// +optional
	FPSDen *int64 `json:"fpsDen,omitempty"`
	// Distance of key frames: seconds as a number or a string, or a word such as intra.
	// +optional
	GOP *intstr.IntOrString `json:"gop,omitempty"`
	// Codec profile, for instance H264Baseline, H264Main or H264High.
	// +optional
	Profile string `json:"profile,omitempty"`
	// Encoder, for instance H.264, HEVC, VP8 or VP9.
	// +optional
	Encoder string `json:"encoder,omitempty"`
}

// ExportParams say where to export an asset to: to a URL of one's own, or to IPFS.
type ExportParams struct {
	// Export to a URL.
	// +optional
	Custom *CustomExport `json:"custom,omitempty"`
	// Export to IPFS.
	// +optional
	IPFS *IPFSExport `json:"ipfs,omitempty"`
}

// CustomExport uploads the file with one HTTP request.
type CustomExport struct {
	// URL that the file is sent to. User info and query values are masked.
	// +optional
	URL string `json:"url,omitempty"`
	// HTTP method, for instance PUT or POST.
	// +optional
	Method string `json:"method,omitempty"`
	// Names of the HTTP headers that are sent along. Their values are masked.
	// +optional
	Headers map[string]string `json:"headers,omitzero"`
}

// IPFSExport pins the file on IPFS.
type IPFSExport struct {
	// Credentials for Pinata, where the user's own account is used. Always masked.
	// +optional
	Pinata *Pinata `json:"pinata,omitempty"`
	// Which metadata of the NFT to start from: file or player.
	// +optional
	NFTMetadataTemplate string `json:"nftMetadataTemplate,omitempty"`
	// Metadata of the NFT to make, as the user gave it. Values that look like credentials are masked.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	NFTMetadata *runtime.RawExtension `json:"nftMetadata,omitempty"`
}

// Pinata holds the credentials of a Pinata account. Every value is masked: only which keys there were is visible.
type Pinata struct {
	// JSON web token, always masked.
	// +optional
	JWT string `json:"jwt,omitempty"`
	// API key, always masked.
	// +optional
	APIKey string `json:"apiKey,omitempty"`
	// API secret, always masked.
	// +optional
	APISecret string `json:"apiSecret,omitempty"`
}

// ExportDataParams say which data to store on IPFS.
type ExportDataParams struct {
	// The data, as the user gave it. Values that look like credentials are masked; content that is too large is left out.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Content *runtime.RawExtension `json:"content,omitempty"`
	// How to store it on IPFS.
	// +optional
	IPFS *ExportDataIPFS `json:"ipfs,omitempty"`
	// Type of the data, for instance text/plain or attestation.
	// +optional
	Type string `json:"type,omitempty"`
	// ID of the data, for instance of the attestation.
	// +optional
	ID string `json:"id,omitempty"`
}

// ExportDataIPFS says how to store data on IPFS.
type ExportDataIPFS struct {
	// An artefact of the API's reference page, whose generator left a reference unresolved: it stands for
	// nftMetadataTemplate and nftMetadata. No task has it.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	Ref *runtime.RawExtension `json:"$ref,omitempty"`
	// Credentials for Pinata, where the user's own account is used. Always masked.
	// +optional
	Pinata *Pinata `json:"pinata,omitempty"`
	// Which metadata of the NFT to start from: file or player.
	// +optional
	NFTMetadataTemplate string `json:"nftMetadataTemplate,omitempty"`
	// Metadata of the NFT to make, as the user gave it. Values that look like credentials are masked.
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	// +optional
	NFTMetadata *runtime.RawExtension `json:"nftMetadata,omitempty"`
}

// TranscodeFileParams say how to transcode a file from one storage to another.
type TranscodeFileParams struct {
	// Where the input is.
	// +optional
	Input *FileLocation `json:"input,omitempty"`
	// Where the output goes to.
	// +optional
	Storage *FileLocation `json:"storage,omitempty"`
	// Which outputs to make.
	// +optional
	Outputs *TranscodeOutputs `json:"outputs,omitempty"`
	// Renditions to make.
	// +listType=atomic
	// +optional
	Profiles []TranscodeProfile `json:"profiles,omitzero"`
	// Length of the output's segments, in seconds.
	// +optional
	TargetSegmentSizeSecs *float64 `json:"targetSegmentSizeSecs,omitempty"`
	// Who asked for it.
	// +optional
	CreatorID *CreatorID `json:"creatorId,omitempty"`
	// Whether to embed C2PA provenance data into the output.
	// +optional
	C2PA *bool `json:"c2pa,omitempty"`
	// Which pipeline does the work, for instance catalyst_ffmpeg. Studio sends it, but does not document it.
	// +optional
	CatalystPipelineStrategy string `json:"catalystPipelineStrategy,omitempty"`
}

// FileLocation is a place that files are read from or written to.
type FileLocation struct {
	// URL of the place. User info and query values are masked.
	// +optional
	URL string `json:"url,omitempty"`
}

// TranscodeOutputs says which outputs to make, and where under the storage they go.
type TranscodeOutputs struct {
	// HLS output.
	// +optional
	HLS *OutputPath `json:"hls,omitempty"`
	// MP4 output.
	// +optional
	MP4 *OutputPath `json:"mp4,omitempty"`
	// Fragmented MP4 output. Studio sends it, but does not document it.
	// +optional
	FMP4 *OutputPath `json:"fmp4,omitempty"`
}

// OutputPath is a path under the storage.
type OutputPath struct {
	// Path under the storage's URL.
	// +optional
	Path string `json:"path,omitempty"`
}

// CreatorID says who made something.
type CreatorID struct {
	// How far the value was checked, for instance unverified.
	// +optional
	Type string `json:"type,omitempty"`
	// Name of the creator, as the user gave it. An API that sends a plain string instead of an object has it here too.
	// +optional
	Value string `json:"value,omitempty"`
}

// ClipParams say which part of a playback to cut.
type ClipParams struct {
	// URL that is clipped. User info and query values are masked.
	// +optional
	URL string `json:"url,omitempty"`
	// Which part to cut.
	// +optional
	ClipStrategy *ClipStrategy `json:"clipStrategy,omitempty"`
	// Which pipeline does the work, for instance catalyst_ffmpeg.
	// +optional
	CatalystPipelineStrategy string `json:"catalystPipelineStrategy,omitempty"`
	// ID of the session that is clipped.
	// +optional
	SessionID string `json:"sessionId,omitempty"`
	// ID of the stream or asset that is clipped.
	// +optional
	InputID string `json:"inputId,omitempty"`
	// ID of the object store that the source is in. Studio sends it, but does not document it.
	// +optional
	SourceObjectStoreID string `json:"sourceObjectStoreId,omitempty"`
}

// ClipStrategy says which part to cut.
type ClipStrategy struct {
	// Start of the clip, in milliseconds since 1970.
	// +optional
	StartTime *float64 `json:"startTime,omitempty"`
	// End of the clip, in milliseconds since 1970.
	// +optional
	EndTime *float64 `json:"endTime,omitempty"`
	// Playback ID of the stream or asset that is clipped.
	// +optional
	PlaybackID string `json:"playbackId,omitempty"`
}
