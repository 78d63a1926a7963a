// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// TaskOutput is the output of a task. The field that bears the name of the task's type is set once there is a result.
type TaskOutput struct {
	// Output of a task of type upload.
	// +optional
	Upload *AssetOutput `json:"upload,omitempty"`
	// Output of a task of type export.
	// +optional
	Export *ExportOutput `json:"export,omitempty"`
	// Output of a task of type export-data.
	// +optional
	ExportData *ExportDataOutput `json:"exportData,omitempty"`
	// Output of a task of type clip.
	// +optional
	Clip *AssetOutput `json:"clip,omitempty"`
	// Output of a task of type transcode-file.
	// +optional
	TranscodeFile *TranscodeFileOutput `json:"transcodeFile,omitempty"`
	// Output of a task of type import, as upload was called once.
	// +optional
	Import *AssetOutput `json:"import,omitempty"`
	// Output of a task of type transcode, which Studio makes no more.
	// +optional
	Transcode *TranscodeOutput `json:"transcode,omitempty"`
}

// AssetOutput is an asset that a task made.
type AssetOutput struct {
	// The asset.
	// +optional
	AssetSpec *AssetSpec `json:"assetSpec,omitempty"`
}

// TranscodeOutput is what a task of the old type transcode made.
type TranscodeOutput struct {
	AssetOutput `json:",inline"`
	// The asset, where it is one level deeper.
	// +optional
	Asset *AssetOutput `json:"asset,omitempty"`
}

// ExportOutput says where an asset was exported to.
type ExportOutput struct {
	// Where it is on IPFS.
	// +optional
	IPFS *ExportIPFSOutput `json:"ipfs,omitempty"`
}

// ExportIPFSOutput says where an exported asset is on IPFS.
type ExportIPFSOutput struct {
	// CID of the video file.
	// +optional
	VideoFileCID string `json:"videoFileCid,omitempty"`
	// ipfs:// URL of the video file.
	// +optional
	VideoFileURL string `json:"videoFileUrl,omitempty"`
	// URL of the video file on a gateway.
	// +optional
	VideoFileGatewayURL string `json:"videoFileGatewayUrl,omitempty"`
	// CID of the NFT metadata.
	// +optional
	NFTMetadataCID string `json:"nftMetadataCid,omitempty"`
	// ipfs:// URL of the NFT metadata.
	// +optional
	NFTMetadataURL string `json:"nftMetadataUrl,omitempty"`
	// URL of the NFT metadata on a gateway.
	// +optional
	NFTMetadataGatewayURL string `json:"nftMetadataGatewayUrl,omitempty"`
}

// ExportDataOutput says where data was stored.
type ExportDataOutput struct {
	// Where it is on IPFS.
	// +optional
	IPFS *ExportDataIPFSOutput `json:"ipfs,omitempty"`
}

// ExportDataIPFSOutput says where data is on IPFS.
type ExportDataIPFSOutput struct {
	// CID of the data.
	// +optional
	CID string `json:"cid,omitempty"`
}

// TranscodeFileOutput says what was made of a file.
type TranscodeFileOutput struct {
	// URL of the storage that the paths below belong to. User info and query values are masked.
	// +optional
	BaseURL string `json:"baseUrl,omitempty"`
	// HLS output.
	// +optional
	HLS *OutputPath `json:"hls,omitempty"`
	// MP4 outputs.
	// +listType=atomic
	// +optional
	MP4 []OutputPath `json:"mp4,omitzero"`
	// ID of the request in the transcoding pipeline.
	// +optional
	RequestID string `json:"request_id,omitempty"`
	// What the input was.
	// +optional
	InputVideo *InputVideo `json:"input_video,omitempty"`
}

// InputVideo describes the input of a transcoding.
type InputVideo struct {
	// Length in seconds.
	// +optional
	Duration *float64 `json:"duration,omitempty"`
	// Size in bytes.
	// +optional
	Size *float64 `json:"size,omitempty"`
}
