//! S3's operations on the store.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListObjectVersionsInput, ListObjectVersionsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, PutObjectInput,
    PutObjectOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::super::options::Options;
use super::super::store::{Bucket, Object, Store};
use super::{listing, reading};

/// The store as s3s sees it.
pub(crate) struct Backend {
    store: Arc<RwLock<Store>>,
    options: Options,
}

impl Backend {
    pub(crate) fn new(store: Arc<RwLock<Store>>, options: Options) -> Self {
        Self { store, options }
    }

    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bucket<'a>(store: &'a Store, name: &str) -> S3Result<&'a Bucket> {
    store
        .buckets
        .get(name)
        .ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn list_buckets(
        &self,
        _: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        Ok(S3Response::new(listing::buckets(&self.read())))
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        let region = bucket(&self.read(), &request.input.bucket)?.region.clone();
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(region),
            ..HeadBucketOutput::default()
        }))
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        let region = bucket(&self.read(), &request.input.bucket)?.region.clone();
        // The oldest region's buckets have no location constraint.
        let location_constraint = (region != "us-east-1").then(|| region.into());
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint,
        }))
    }

    async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let store = self.read();
        let bucket = bucket(&store, &request.input.bucket)?;
        Ok(S3Response::new(listing::v1(
            bucket,
            request.input,
            &self.options,
        )))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let store = self.read();
        let bucket = bucket(&store, &request.input.bucket)?;
        Ok(S3Response::new(listing::v2(
            bucket,
            request.input,
            &self.options,
        )?))
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let store = self.read();
        let bucket = bucket(&store, &request.input.bucket)?;
        Ok(S3Response::new(listing::versions(
            bucket,
            request.input,
            &self.options,
        )))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let store = self.read();
        Ok(S3Response::new(reading::get(
            bucket(&store, &request.input.bucket)?,
            &request.input,
        )?))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let store = self.read();
        Ok(S3Response::new(reading::head(
            bucket(&store, &request.input.bucket)?,
            &request.input,
        )?))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let PutObjectInput {
            bucket: name,
            key,
            body,
            metadata,
            ..
        } = request.input;
        let body = match body {
            Some(blob) => s3s::Body::from(blob)
                .collect()
                .await
                .map_err(|_| s3_error!(IncompleteBody))?
                .to_bytes(),
            None => Bytes::new(),
        };
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = store.buckets.get_mut(&name) else {
            return Err(s3_error!(NoSuchBucket));
        };
        let object =
            Object::new(body).with_metadata(metadata.unwrap_or_default().into_iter().collect());
        let e_tag = Some(reading::etag(&object));
        bucket.put(&key, object);
        Ok(S3Response::new(PutObjectOutput {
            e_tag,
            ..PutObjectOutput::default()
        }))
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let CopySource::Bucket {
            bucket: from, key, ..
        } = request.input.copy_source
        else {
            return Err(s3_error!(NotImplemented));
        };
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let object = bucket(&store, &from)?.get(&key).cloned();
        let object = object.ok_or_else(|| s3_error!(NoSuchKey))?;
        let e_tag = Some(reading::etag(&object));
        let Some(bucket) = store.buckets.get_mut(&request.input.bucket) else {
            return Err(s3_error!(NoSuchBucket));
        };
        bucket.put(&request.input.key, object);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag,
                ..CopyObjectResult::default()
            }),
            ..CopyObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = store.buckets.get_mut(&request.input.bucket) else {
            return Err(s3_error!(NoSuchBucket));
        };
        bucket.delete(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }
}
